/** Takes HAProxy's log lines from its ring over a unix socket, and notices when some are missing. */
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { LINE_BYTES } from './configuration.ts'
import { type Line, lineIn } from './lines.ts'

/** Lines may overtake each other by this long (several threads write them). Then a missing number is a lost line. */
const LATE_MS = 2_000

interface Track {
  lowest: number
  highest: number
  count: number
  /** Missing lines that have been told. */
  told: number
  missingSinceMs: number
}

export interface IntakeParts {
  readonly path: string
  line(line: Line): void
  lost(lines: number): void
}

export class Intake {
  readonly #parts: IntakeParts
  readonly #tracks = new Map<number, Track>()
  #server: Server | undefined

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  open(): Promise<void> {
    const { path } = this.#parts
    rmSync(path, { force: true })
    const server = createServer((socket) => {
      let rest = ''
      socket.setEncoding('utf8')
      socket.on('error', () => socket.destroy())
      socket.on('data', (part: string) => {
        const lines = (rest + part).split('\n')
        rest = lines.pop() ?? ''
        if (rest.length > LINE_BYTES * 2) rest = ''
        for (const text of lines) this.#take(text)
      })
    })
    this.#server = server
    return new Promise((opened, fails) => {
      server.once('error', fails)
      const mask = process.umask(0o177)
      server.listen(path, () => {
        process.umask(mask)
        opened()
      })
    })
  }

  close(): void {
    this.#server?.close()
  }

  /** Looks for lines that never came. Call it a few times a second. */
  tick(nowMs: number): void {
    for (const track of this.#tracks.values()) {
      const missing = track.highest - track.lowest + 1 - track.count
      if (missing <= track.told) track.missingSinceMs = nowMs
      else if (nowMs - track.missingSinceMs > LATE_MS) {
        this.#parts.lost(missing - track.told)
        track.told = missing
      }
    }
  }

  /** Forgets processes that are gone. */
  keep(pids: readonly number[]): void {
    for (const pid of this.#tracks.keys()) if (!pids.includes(pid)) this.#tracks.delete(pid)
  }

  #take(text: string): void {
    const line = lineIn(text)
    if (!line) return
    const track = this.#tracks.get(line.pid)
    if (track) {
      track.lowest = Math.min(track.lowest, line.n)
      track.highest = Math.max(track.highest, line.n)
      track.count++
    } else {
      this.#tracks.set(line.pid, {
        lowest: line.n,
        highest: line.n,
        count: 1,
        told: 0,
        missingSinceMs: performance.now(),
      })
    }
    this.#parts.line(line)
  }
}
