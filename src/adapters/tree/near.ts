/** One saved file with its neighbours, read within a time that nobody at a keyboard notices. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { mayMatter } from '../../core/check/detect.ts'
import { LIMITS, SKIPPED_FOLDERS, type Tree, type TreeFile } from '../../core/check/tree.ts'

/** Neighbours decide overlays, budgets and pipelines; more of them cost more than the answer may take. */
const NEIGHBOURS_MAX = 16
const NEIGHBOUR_CHARS_MAX = 120_000
const ENTRIES_MAX = 2_000

/**
 * The file at `path` (absolute, below `root`) and what lies near it: its folder and those below, then the parent's, up to `root`.
 * Links are not followed. Undefined when the file is not there, is not text, or is larger than LIMITS.fileBytesMax.
 */
export function readNear(root: string, path: string): Tree | undefined {
  const first = readText(path)
  if (first === undefined) return undefined
  const files: TreeFile[] = [{ path: named(root, path), text: first }]
  const seen = new Set([path])
  let entries = 0
  let chars = 0
  const full = () => files.length > NEIGHBOURS_MAX || chars > NEIGHBOUR_CHARS_MAX || entries > ENTRIES_MAX
  const visit = (folder: string, depth: number): undefined => {
    if (full() || seen.has(folder) || depth > 8) return
    seen.add(folder)
    for (const entry of listed(folder)) {
      entries++
      if (full()) return
      const inner = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!SKIPPED_FOLDERS.has(entry.name)) visit(inner, depth + 1)
      } else if (entry.isFile() && !seen.has(inner) && mayMatter(named(root, inner))) {
        seen.add(inner)
        const text = readText(inner, NEIGHBOUR_CHARS_MAX)
        if (text === undefined) continue
        chars += text.length
        files.push({ path: named(root, inner), text })
      }
    }
  }
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    visit(folder, 0)
    if (folder === root || folder === dirname(folder) || full()) break
  }
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), problems: [] }
}

function listed(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

function readText(path: string, most: number = LIMITS.fileBytesMax): string | undefined {
  try {
    const stat = lstatSync(path)
    if (!stat.isFile() || stat.size > most) return undefined
    const text = readFileSync(path, 'utf8')
    return text.slice(0, 4_000).includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

function named(root: string, path: string): string {
  const name = relative(root, path)
  return sep === '/' ? name : name.split(sep).join('/')
}
