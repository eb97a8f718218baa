/** Reads the files of a repository that a rule may want, within bounds. Links are not followed, so nothing outside is read. */
import { lstatSync, opendirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { mayMatter } from '../../core/check/detect.ts'
import { LIMITS, SKIPPED_FOLDERS, type Tree, type TreeFile } from '../../core/check/tree.ts'

type Note = Tree['problems'][number]

/**
 * Reads one or several files or folders. Paths in the tree are relative to the folder checked, or to `cwd` when several are given.
 * `matters` picks the files to read by their path; default: those that a rule of `check` may want.
 * MUST NOT throw for anything inside the folders: what cannot be read is a problem. Throws ENOENT for a path that is not there.
 */
export function readTree(paths: readonly string[], cwd: string, matters: (path: string) => boolean = mayMatter): Tree {
  const reader = new Reader(matters)
  for (const path of paths) {
    const stat = statSync(path)
    const root = paths.length > 1 ? cwd : stat.isDirectory() ? path : dirname(path)
    if (stat.isDirectory()) reader.folder(path, root)
    else reader.file(path, stat.size, root, true)
  }
  reader.files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  const whole = paths.length === 1 && statSync(paths[0]!).isDirectory()
  // Of several paths, or of one file, we do not know what lies beside them.
  return { files: reader.files, problems: reader.problems, ...(whole ? { paths: reader.paths.sort() } : {}) }
}

class Reader {
  readonly files: TreeFile[] = []
  readonly problems: Note[] = []
  readonly paths: string[] = []
  private seen = 0
  private bytes = 0
  private full = false
  private readonly matters: (path: string) => boolean

  constructor(matters: (path: string) => boolean) {
    this.matters = matters
  }

  private note(file: string, says: string): undefined {
    if (this.problems.length < 100) this.problems.push({ file: file || '.', says, line: 1, col: 1 })
  }

  private stop(file: string, says: string): undefined {
    if (!this.full) this.note(file, says)
    this.full = true
  }

  folder(start: string, root: string): undefined {
    const open: { path: string; depth: number }[] = [{ path: start, depth: 0 }]
    while (open.length > 0 && !this.full) {
      const { path, depth } = open.pop()!
      for (const { name, folder } of this.entries(path, root)) {
        const inner = join(path, name)
        if (++this.seen > LIMITS.filesSeenMax)
          return this.stop(named(inner, root), 'There are more than 200,000 files; the rest was not looked at.')
        if (!folder) this.one(inner, root)
        else if (SKIPPED_FOLDERS.has(name)) continue
        else if (depth >= LIMITS.depthMax)
          this.note(named(inner, root), 'This folder lies more than 40 levels deep and was not read.')
        else open.push({ path: inner, depth: depth + 1 })
      }
    }
  }

  private entries(path: string, root: string): { name: string; folder: boolean }[] {
    const entries: { name: string; folder: boolean }[] = []
    try {
      const handle = opendirSync(path)
      for (let entry = handle.readSync(); entry; entry = handle.readSync()) {
        if (entry.isFile() || entry.isDirectory()) entries.push({ name: entry.name, folder: entry.isDirectory() })
        if (entries.length > LIMITS.filesSeenMax) break
      }
      handle.closeSync()
    } catch (thrown) {
      this.note(named(path, root), `The folder could not be read: ${codeOf(thrown)}.`)
    }
    return entries
  }

  private one(path: string, root: string): undefined {
    const name = named(path, root)
    if (this.paths.length < LIMITS.pathsMax) this.paths.push(name)
    if (!this.matters(name)) return
    try {
      this.file(path, lstatSync(path).size, root, false)
    } catch (thrown) {
      this.note(named(path, root), `The file could not be read: ${codeOf(thrown)}.`)
    }
  }

  file(path: string, size: number, root: string, asked: boolean): undefined {
    const name = named(path, root) || basename(path)
    if (size > LIMITS.fileBytesMax)
      return this.note(name, `The file has ${Math.round(size / 1e6)} MB; files over 4 MB are not read.`)
    if (this.files.length >= LIMITS.filesReadMax)
      return this.stop(name, 'There are more than 20,000 files to check; the rest was not read.')
    if (this.bytes + size > LIMITS.totalBytesMax)
      return this.stop(name, 'The files hold more than 256 MB; the rest was not read.')
    this.bytes += size
    const text = readFileSync(path, 'utf8')
    if (text.slice(0, 4_000).includes('\0')) {
      if (asked) this.note(name, 'The file is not text.')
      return
    }
    this.files.push({ path: name, text })
  }
}

function named(path: string, root: string): string {
  const name = relative(root, path)
  return sep === '/' ? name : name.split(sep).join('/')
}

function codeOf(thrown: unknown): string {
  return String((thrown as { code?: unknown } | undefined)?.code ?? thrown).slice(0, 80)
}
