/** One digest for a release's folder: names, contents and whether they may be run; the same on every machine, whatever the dates. */
import { createHash } from 'node:crypto'
import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import type { Identified } from '../../ports/runtime.ts'

/** A release with its libraries stays under these; a folder beyond them is no release, and hashing it would hold up a start. */
const FILES_MAX = 100_000
const BYTES_MAX = 2 * 1_024 ** 3
const CHUNK = 256 * 1_024
/** A start waits for it, so it is given up after so long, in ms. A folder of 500 MB takes about one second. */
const READ_MS = 5_000

/**
 * `sha256:` over one line a file, in order of their names: kind, whether it may be run, digest, path. Links count by what they point to,
 * and are not followed. Not the digest of what lies outside of the folder, such as the interpreter.
 */
export async function digestOfFolder(folder: string): Promise<Identified> {
  const until = performance.now() + READ_MS
  try {
    const paths = await filesOf(folder, until)
    if (paths === 'too long') return TOO_LONG
    if (paths === 'too many') return { why: `the release’s folder has more than ${FILES_MAX} files.` }
    if (paths.length === 0) return { why: 'the release’s folder has no file.' }
    const whole = createHash('sha256')
    let bytes = 0
    for (const path of paths) {
      if (performance.now() > until) return TOO_LONG
      const full = join(folder, path)
      const stat = await lstat(full)
      bytes += stat.size
      if (bytes > BYTES_MAX) return { why: `the release’s folder has more than ${BYTES_MAX / 1_024 ** 3} GiB.` }
      const line = stat.isSymbolicLink()
        ? `link ${await readlink(full)}`
        : `${stat.mode & 0o100 ? 'run' : 'file'} ${await digestOfFile(full)}`
      whole.update(`${line} ${JSON.stringify(path)}\n`)
    }
    return { digest: `sha256:${whole.digest('hex')}` }
  } catch (thrown) {
    return { why: `the release’s folder cannot be read: ${messageOf(thrown).slice(0, 200)}.` }
  }
}

const TOO_LONG: Identified = { why: `reading the release’s folder takes longer than ${READ_MS / 1_000} s.` }

async function filesOf(folder: string, until: number): Promise<string[] | 'too many' | 'too long'> {
  const found: string[] = []
  const left = ['']
  for (let inside = left.pop(); inside !== undefined; inside = left.pop()) {
    if (performance.now() > until) return 'too long'
    for (const one of await readdir(join(folder, inside), { withFileTypes: true })) {
      const path = inside === '' ? one.name : `${inside}/${one.name}`
      if (one.isDirectory()) left.push(path)
      else if (one.isFile() || one.isSymbolicLink()) found.push(path)
      if (found.length > FILES_MAX) return 'too many'
    }
  }
  return found.sort()
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK, null)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}
