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

export interface Merged {
  readonly text: string
  /** `kept`: somebody has changed a file that has no room for marks, or has taken all marks away, so it stays as it is. */
  readonly how: 'new' | 'same' | 'updated' | 'kept'
  /** Passages that were not in the file before, and stand in it now. */
  readonly added: readonly string[]
  /** Passages that somebody took out of the file, or whose marks are damaged; they stay out until their marks are back. */
  readonly left: readonly string[]
}

/** What the last manifest noted of a file. */
export interface Noted {
  /** Of what we made, so that a file that people have written into never has it. */
  readonly digest: string
  readonly passages: readonly { readonly id: string }[]
}

/**
 * What to write over what is there. Passages between their marks are replaced; those that the kit has no more go. One without marks is new
 * when the last manifest did not know it, and comes behind the passage before it; one that the manifest knew was taken out by somebody,
 * and does not come back.
 */
export function merge(existing: string | undefined, file: KitFile, before: Noted | undefined): Merged {
  const fresh = render(file)
  const whole = (text: string, how: Merged['how']): Merged => ({ text, how, added: [], left: [] })
  if (existing === undefined) return whole(fresh, 'new')
  if (existing === fresh) return whole(existing, 'same')
  if (before !== undefined && digestOf(existing) === before.digest) return whole(fresh, 'updated')
  if (isWhole(file.path)) return whole(existing, 'kept')
  const made = new Set(file.passages.map(({ id }) => id))
  const known = new Set(before?.passages.map(({ id }) => id))
  if (![...made, ...known].some((id) => spanOf(existing, file.path, id))) return whole(existing, 'kept')
  const added: string[] = []
  const left: string[] = []
  let text = existing
  for (const id of known) if (!made.has(id)) text = without(text, file.path, id)
  file.passages.forEach((passage, i) => {
    const span = spanOf(text, file.path, passage.id)
    if (span) text = text.slice(0, span.from) + block(file.path, passage) + text.slice(span.to)
    else if (before === undefined || known.has(passage.id)) left.push(passage.id)
    else {
      added.push(passage.id)
      text = inserted(text, file, i)
    }
  })
  return { text, how: text === existing ? 'same' : 'updated', added, left }
}

/** Where a passage stands, its marks included; undefined without both of them. */
function spanOf(text: string, path: string, id: string): { readonly from: number; readonly to: number } | undefined {
  const from = text.indexOf(begin(path, id))
  const stop = end(path, id)
  const at = from < 0 ? -1 : text.indexOf(stop, from)
  return at < 0 ? undefined : { from, to: at + stop.length }
}

function without(text: string, path: string, id: string): string {
  const span = spanOf(text, path, id)
  return span ? text.slice(0, span.from).replace(/\n{2,}$/, '\n') + text.slice(span.to) : text
}

/** Behind the nearest passage before it that is there, else before the next one. */
function inserted(text: string, { path, passages }: KitFile, place: number): string {
  const passage = block(path, passages[place]!)
  const spans = passages.map(({ id }) => spanOf(text, path, id))
  const behind = spans.slice(0, place).findLast((span) => span !== undefined)
  if (behind) return `${text.slice(0, behind.to)}\n\n${passage}${text.slice(behind.to)}`
  const next = spans.slice(place + 1).find((span) => span !== undefined)
  if (next) return `${text.slice(0, next.from)}${passage}\n\n${text.slice(next.from)}`
  return `${text.replace(/\n*$/, '\n\n')}${passage}\n`
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
