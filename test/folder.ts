import { rmSync } from 'node:fs'

/** Removes a test's folder with all that is in it, over and over while a program that is just ending still writes there. */
export function removeFolder(path: string): void {
  for (let tries = 0; ; tries++) {
    try {
      return rmSync(path, { recursive: true, force: true })
    } catch (error) {
      if (tries === 50) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    }
  }
}
