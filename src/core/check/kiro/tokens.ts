/** What an agent has to read before it starts: about one token for four characters of prose (measured: 4.8 to 5.7, so this is safe). */
import { child, items, text } from '../formats/node.ts'
import { markdownOf } from '../models/kiro.ts'
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
  const agents = world.tree.files.filter((file) => file.path === 'AGENTS.md')
  return [
    ...always.map((src) => ({ file: src.file, tokens: tokensOf(src.text.length) })),
    ...agents.map((file) => ({ file: file.path, tokens: tokensOf(file.text.length) })),
  ].sort((a, b) => b.tokens - a.tokens)
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
