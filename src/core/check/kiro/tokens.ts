/** What an agent has to read before it starts: about one token for four characters of prose (measured: 4.8 to 5.7, so this is safe). */
import { child, items, text } from '../formats/node.ts'
import { markdownOf } from '../models/kiro.ts'
import { folderOf, join } from '../models/path.ts'
import { pathsOf } from '../tree.ts'
import type { World } from '../world.ts'
import { globMatches } from './glob.ts'

export const CHARS_A_TOKEN = 4
/** Warn and fail above these, in tokens: what is always on leaves less for the work itself. */
export const ALWAYS_ON_WARN = 2_000
export const ALWAYS_ON_MAX = 4_000
export const AGENT_WARN = 8_000
export const LOADS_ALL_WARN = 8_000

export const tokensOf = (chars: number) => Math.ceil(chars / CHARS_A_TOKEN)

export interface Weight {
  readonly file: string
  readonly tokens: number
}

/** Steering that is always on (also by mistake), and AGENTS.md where we were given it. */
export function alwaysOn(world: World): readonly Weight[] {
  const steering = world.sources('kiro').filter((src) => /(^|\/)\.kiro\/steering\/.*\.md$/.test(src.file))
  const always = steering.filter((src) => {
    const { front, problem } = markdownOf(src)
    const said = text(child(front, 'inclusion'))
    return problem !== undefined || said === undefined || !/^(fileMatch|manual|auto)$/.test(said)
  })
  return [...always, ...world.sources('kiro').filter(({ file }) => file === 'AGENTS.md')]
    .map(weightOf)
    .sort((a, b) => b.tokens - a.tokens)
}

/**
 * What the other agents read before anything else, each with what it draws in: Claude Code reads CLAUDE.md and the files that it names
 * with an @ (five deep, as its documentation says), Copilot .github/copilot-instructions.md.
 */
export function othersAlwaysOn(
  world: World,
): readonly { readonly agent: string; readonly weights: readonly Weight[] }[] {
  const sources = world.sources('kiro')
  const found: { agent: string; weights: Weight[] }[] = []
  for (const [agent, path] of [
    ['Claude Code', 'CLAUDE.md'],
    ['Copilot', '.github/copilot-instructions.md'],
  ] as const) {
    const start = sources.find(({ file }) => file === path)
    if (start) found.push({ agent, weights: drawnIn(world, start.file, IMPORTS_DEEP).map(weightOf) })
  }
  return found
}

const IMPORTS_DEEP = 5

function drawnIn(world: World, first: string, depth: number): readonly { file: string; text: string }[] {
  const read = new Map(world.tree.files.map(({ path, text: whole }) => [path, whole]))
  const seen = new Map<string, string>()
  const visit = (path: string, left: number) => {
    const whole = read.get(path)
    if (whole === undefined || seen.has(path)) return
    seen.set(path, whole)
    if (left === 0 || !path.endsWith('.md')) return
    for (const match of whole.matchAll(/(?:^|\s)@([\w./-]{1,200}\.md)\b/g))
      visit(join(folderOf(path), match[1]!), left - 1)
  }
  visit(first, first === 'CLAUDE.md' ? depth : 0)
  return [...seen].map(([file, whole]) => ({ file, text: whole }))
}

function weightOf({ file, text: whole }: { readonly file: string; readonly text: string }): Weight {
  return { file, tokens: tokensOf(whole.length) }
}

/** Everything under .kiro/steering: the terminal interface of the command line loads all of it (kirodotdev/Kiro#10794). */
export function loadsAll(world: World): number {
  return world
    .sources('kiro')
    .filter((src) => /(^|\/)\.kiro\/steering\/.*\.md$/.test(src.file))
    .reduce((sum, src) => sum + tokensOf(src.text.length), 0)
}

/** An agent's prompt and the files of its resources; `open` names resources whose size we do not know. */
export function agentWeight(world: World, src: Parameters<typeof markdownOf>[0]) {
  const { front, body } = markdownOf(src)
  const listed = items(child(front, 'resources')).flatMap((item) => text(item) ?? [])
  const read = new Map(world.tree.files.map((file) => [file.path, file.text.length]))
  const open: string[] = []
  let tokens = tokensOf(body.length)
  for (const resource of listed) {
    const glob = /^file:\/\/(.*)$/.exec(resource)?.[1]
    if (glob === undefined) continue
    const hits = pathsOf(world.tree).filter((path) => globMatches(glob, path))
    if (hits.length === 0 || hits.some((path) => !read.has(path))) open.push(resource)
    tokens += hits.reduce((sum, path) => sum + tokensOf(read.get(path) ?? 0), 0)
  }
  return { tokens, listed, open }
}
