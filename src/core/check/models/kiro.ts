/** Kiro's files as its loader sees them (IDE 1.x): what is not in this form is dropped without a word. */

import { readJson } from '../formats/json.ts'
import { child, items, keySpot, type Node, type Source, type Spot, spotOf, text } from '../formats/node.ts'
import { linesOf } from '../formats/position.ts'
import { readYaml } from '../formats/yaml.ts'
import type { World } from '../world.ts'

/** Triggers of version 1 hooks. */
export const TRIGGERS = [
  'SessionStart',
  'UserPromptSubmit',
  'PreToolUse',
  'PostToolUse',
  'PreTaskExec',
  'PostTaskExec',
  'PostFileCreate',
  'PostFileSave',
  'PostFileDelete',
  'Stop',
  'Manual',
] as const
const FILE_TRIGGERS = new Set(['PostFileCreate', 'PostFileSave', 'PostFileDelete'])

export interface Hook {
  readonly node: Node
  readonly at: Spot
  readonly name: string
  readonly trigger: string
  readonly matcher?: string
  readonly matcherAt: Spot
  readonly action: Node | undefined
  readonly onFiles: boolean
}

/** The hooks of a file in the form that loads; undefined when the file is in another form. */
export function hooksOf(src: Source): readonly Hook[] | undefined {
  if (!/(^|\/)\.kiro\/hooks\/[^/]+\.json$/.test(src.file)) return undefined
  const { root } = readJson(src)
  const list = child(root, 'hooks')
  if (!root || text(child(root, 'version')) !== 'v1' || list?.kind !== 'list') return undefined
  return list.items.map((node) => {
    const trigger = text(child(node, 'trigger')) ?? ''
    const matcher = text(child(node, 'matcher'))
    return {
      node,
      at: spotOf(node),
      name: text(child(node, 'name')) ?? 'a hook without a name',
      trigger,
      ...(matcher === undefined ? {} : { matcher }),
      matcherAt: keySpot(node, 'matcher'),
      action: child(node, 'action'),
      onFiles: FILE_TRIGGERS.has(trigger),
    }
  })
}

export function kiroSources(world: World, pattern: RegExp): readonly Source[] {
  return world.sources('kiro').filter((src) => pattern.test(src.file))
}

/** Is this a glob where a regular expression belongs? */
export function isGlob(matcher: string): boolean {
  try {
    new RegExp(matcher)
  } catch {
    return true
  }
  // "deploy/*.yml" compiles, and asks for slashes before "yml": a star right after a slash or at the start is a glob.
  return /(^|[/{,])\*|\*\*|\{[\w.-]+(,[\w.-]+)+\}/.test(matcher)
}

export interface Markdown {
  readonly src: Source
  /** The front matter, when it starts at the first byte and parses. */
  readonly front?: Node
  readonly problem?: { readonly says: string; readonly at: Spot }
  readonly body: string
}

/** Splits Markdown with front matter, by the loader's own strictness. */
export function markdownOf(src: Source): Markdown {
  const start: Spot = { file: src.file, line: 1, col: 1 }
  if (!/^---[ \t]*\r?\n/.test(src.text)) {
    const late = /^\s*(?:\ufeff)?\s*---[ \t]*\r?\n[\s\S]{0,2000}?\n---/.test(src.text)
    return {
      src,
      body: src.text,
      ...(late
        ? { problem: { says: 'The front matter does not start at the first byte of the file', at: start } }
        : {}),
    }
  }
  const end = /\r?\n---[ \t]*(?:\r?\n|$)/.exec(src.text.slice(3))
  if (!end) return { src, body: src.text, problem: { says: 'The front matter is never closed', at: start } }
  const inner = ' '.repeat(3) + src.text.slice(3, 3 + end.index)
  const { documents, problems } = readYaml({ file: src.file, text: inner, lines: linesOf(inner) })
  const body = src.text.slice(3 + end.index + end[0].length)
  const [problem] = problems
  if (problem)
    return {
      src,
      body,
      problem: {
        says: `The front matter does not parse (${problem.says})`,
        at: { file: src.file, line: problem.line, col: problem.col },
      },
    }
  const [front] = documents
  return { src, body, ...(front ? { front } : {}) }
}

/** Strings in a list, or separated by commas in one string. */
export function words(node: Node | undefined): readonly string[] {
  return items(node)
    .flatMap((item) => (text(item) ?? '').split(',').map((word) => word.trim()))
    .filter(Boolean)
}
