/**
 * Files of the kit. Each is made of passages, and each passage says which parts of the definition it came from. In formats that
 * have comments a passage stands between markers: what people write outside of them survives every later run.
 */
import { createHash } from 'node:crypto'
import type { Path } from '../define/yaml.ts'

export const PARTS = [
  'kiro',
  'agents',
  'runbooks',
  'alerts',
  'dashboards',
  'comms',
  'docs',
  'pipelines',
  'infrastructure',
] as const
export type Part = (typeof PARTS)[number]

export interface Passage {
  readonly id: string
  readonly from: readonly Path[]
  readonly text: string
}

export interface KitFile {
  readonly part: Part
  /** Relative to the output folder. */
  readonly path: string
  /** Front matter and the like, which must stay the first bytes of the file. Written once; people may change it. */
  readonly head?: string
  readonly passages: readonly Passage[]
}

/** Formats without comments: the file is ours as long as nobody has changed it. */
export function isWhole(path: string): boolean {
  return /\.(json|config\.kiro|kiro\.hook)$/.test(path)
}

interface Style {
  readonly open: string
  readonly close: string
}

function styleOf(path: string): Style {
  return /\.(ya?ml|sh|txt|tf)$|(^|\/)\.kiroignore$/.test(path)
    ? { open: '# ', close: '' }
    : /(^|\/)Jenkinsfile$|\.(ts|groovy|Jenkinsfile)$/.test(path)
      ? { open: '// ', close: '' }
      : { open: '<!-- ', close: ' -->' }
}

function begin(path: string, id: string): string {
  const { open, close } = styleOf(path)
  return `${open}holdfast:begin ${id}${close}`
}

function end(path: string, id: string): string {
  const { open, close } = styleOf(path)
  return `${open}holdfast:end ${id}${close}`
}

/** The file as it is written into an empty folder. */
export function render(file: KitFile): string {
  if (isWhole(file.path)) return file.passages.map((passage) => passage.text).join('')
  const body = file.passages.map((passage) => block(file.path, passage)).join('\n\n')
  return `${file.head ?? ''}${body}\n`
}

function block(path: string, passage: Passage): string {
  return `${begin(path, passage.id)}\n${passage.text.replace(/\n+$/, '')}\n${end(path, passage.id)}`
}

export type Merged =
  | { readonly text: string; readonly how: 'new' | 'same' | 'updated' }
  /** Somebody has changed a file that has no room for marks, or has taken the marks away: it stays as it is. */
  | { readonly text: string; readonly how: 'kept' }

/**
 * What to write over what is there. `writtenBefore` is the digest that the last manifest noted of this file: of what we made, so that
 * a file that people have written into never has it. Their passages are replaced between the markers; one without markers stays away.
 */
export function merge(existing: string | undefined, file: KitFile, writtenBefore: string | undefined): Merged {
  const fresh = render(file)
  if (existing === undefined) return { text: fresh, how: 'new' }
  if (existing === fresh) return { text: existing, how: 'same' }
  if (digestOf(existing) === writtenBefore) return { text: fresh, how: 'updated' }
  if (isWhole(file.path)) return { text: existing, how: 'kept' }
  let text = existing
  let found = 0
  for (const passage of file.passages) {
    const from = text.indexOf(begin(file.path, passage.id))
    const stop = end(file.path, passage.id)
    const to = from < 0 ? -1 : text.indexOf(stop, from)
    if (to < 0) continue
    found++
    text = text.slice(0, from) + block(file.path, passage) + text.slice(to + stop.length)
  }
  if (found === 0) return { text: existing, how: 'kept' }
  return { text, how: text === existing ? 'same' : 'updated' }
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** A file of one passage. */
export function single(part: Part, path: string, from: readonly Path[], text: string, head?: string): KitFile {
  const id = path
    .split('/')
    .at(-1)!
    .replace(/\.[^.]+$/, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase()
    .replace(/^-/, '')
  return { part, path, passages: [{ id, from, text }], ...(head === undefined ? {} : { head }) }
}
