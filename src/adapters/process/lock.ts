import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { identityOf } from './life.ts'

/**
 * One supervisor for one state folder. Returns how to give the lock back, or undefined when a living process holds it.
 * A lock whose holder is dead is taken over; of two that try at once, one wins.
 */
export function takeLock(file: string): (() => void) | undefined {
  const mine = `${process.pid} ${identityOf(process.pid) ?? ''}`
  for (let tries = 0; tries < 3; tries++) {
    try {
      writeFileSync(file, mine, { flag: 'wx', mode: 0o600 })
      return () => rmSync(file, { force: true })
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
    }
    const holder = contentOf(file)
    if (holder !== undefined && isHeld(holder)) return undefined
    if (holder !== undefined) removeStale(file, holder)
  }
  return undefined
}

function isHeld(holder: string): boolean {
  const space = holder.indexOf(' ')
  const identity = identityOf(Number(holder.slice(0, space)))
  return identity !== undefined && identity === holder.slice(space + 1)
}

/** Moves the stale lock away under a name of our own; when that was a fresh one of somebody faster, puts it back. */
function removeStale(file: string, stale: string): void {
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
    if (contentOf(aside) !== stale) renameSync(aside, file)
    else rmSync(aside, { force: true })
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
