/**
 * What a release wrote. Its replicas append to one file by themselves, so that they can write on while the supervisor is away.
 * A file that is full is copied to `.1` and emptied in place; the few lines written between the two are lost.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'

/** Size at which a file is turned, in bytes. A release keeps at most about twice that. */
const FILE_MAX = 1_048_576
/** Releases whose logs are kept; the longest unwritten go first. */
const RELEASES_MAX = 20

export function logFileOf(folder: string, release: string): string {
  return join(folder, `${release}.log`)
}

/** A file handle to append to, for a child's output. The caller closes it. */
export function openLog(file: string): number {
  return openSync(file, 'a', 0o600)
}

export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** Turns every file that is full and forgets the oldest releases. */
export function turnLogs(folder: string): void {
  const files = readdirSync(folder).filter((name) => name.endsWith('.log'))
  for (const name of files) {
    const file = join(folder, name)
    if (sizeOf(file) <= FILE_MAX) continue
    copyFileSync(file, `${file}.1`)
    truncateSync(file)
  }
  if (files.length <= RELEASES_MAX) return
  const oldestFirst = files
    .map((name) => ({ file: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => a.at - b.at)
  for (const { file } of oldestFirst.slice(0, files.length - RELEASES_MAX)) {
    rmSync(file, { force: true })
    rmSync(`${file}.1`, { force: true })
  }
}

/** The end of what was written since `from` (a size that the file had), at most `bytesMax`; from 0 also what was turned away. */
export function tailOf(file: string, bytesMax: number, from = 0): string {
  const size = sizeOf(file)
  // Smaller than it was: turned in between, so all of it is new.
  const begin = size < from ? 0 : from
  const now = readEnd(file, Math.min(bytesMax, size - begin))
  if (from > 0 || now.length >= bytesMax || !existsSync(`${file}.1`)) return now.toString('utf8')
  const before = readEnd(`${file}.1`, bytesMax - now.length)
  return Buffer.concat([before, now]).toString('utf8')
}

function readEnd(file: string, bytes: number): Buffer {
  const size = sizeOf(file)
  const length = Math.max(0, Math.min(bytes, size))
  if (length === 0) return Buffer.alloc(0)
  const handle = openSync(file, 'r')
  try {
    const into = Buffer.alloc(length)
    const read = readSync(handle, into, 0, length, size - length)
    return into.subarray(0, read)
  } finally {
    closeSync(handle)
  }
}
