/**
 * Which hook sets off which: a hook's action writes files, and every hook whose matcher catches one of them runs next. Kiro has no
 * guard against going round (kirodotdev/Kiro#1555).
 */
import { child, text } from '../formats/node.ts'
import type { Hook } from '../models/kiro.ts'
import { safeMatcher } from './glob.ts'

export interface HookWrites {
  /** Files it writes; '**' for anything. */
  readonly paths: readonly string[]
  readonly byAgent: boolean
}

const READS_ONLY =
  /\bdo not (?:modify|edit|change|write)|\bread[- ]only|without (?:changing|editing|modifying)|\bonly report\b/i

export function writesOf(hook: Hook): HookWrites {
  const prompt = text(child(hook.action, 'prompt'))
  if (prompt !== undefined) {
    if (READS_ONLY.test(prompt)) return { paths: [], byAgent: true }
    const named = prompt.match(/(?:[\w.-]+\/)+[\w.*-]+|\b[\w-]+\.(?:ya?ml|json|md|tf|ts|js|py)\b/g)
    return { paths: named ? [...new Set(named)] : ['**'], byAgent: true }
  }
  const command = text(child(hook.action, 'command')) ?? ''
  const targets = [
    ...command.matchAll(/(?:>>?|\btee\s+(?:-a\s+)?|--out(?:put)?(?:-file)?[= ])\s*['"]?([\w./-]+)/g),
  ].map((match) => match[1]!)
  const inPlace =
    /(?:^|\s)(?:--fix|--write|-w|-i(?:\.\w+)?)(?:\s|$)|\bgofmt\s+-w|\bterraform\s+fmt\b(?!.*-check)|\bgit\s+commit\b/.test(
      command,
    )
  // A formatter writes what set it off.
  return { paths: [...targets, ...(inPlace ? ['<saved>'] : [])], byAgent: false }
}

function catches(hook: Hook, path: string, from: Hook): boolean {
  if (!hook.onFiles || hook.trigger === 'PostFileDelete') return false
  if (hook.matcher === undefined || hook.matcher === '' || hook.matcher === '.*') return true
  if (path === '**') return true
  // What a formatter saves is what its own matcher caught.
  if (path === '<saved>') return hook === from || hook.matcher === from.matcher
  const pattern = safeMatcher(hook.matcher)
  return pattern ? pattern.test(path) || pattern.test(`/work/${path}`) : false
}

export interface Cycle {
  readonly hooks: readonly Hook[]
  readonly byAgent: boolean
}

/** Cycles among enabled hooks, each once, the shortest through its first hook. */
export function cyclesOf(hooks: readonly Hook[]): readonly Cycle[] {
  const live = hooks.filter((hook) => text(child(hook.node, 'enabled')) !== 'false').slice(0, 60)
  const edges = new Map(
    live.map((hook) => {
      const { paths } = writesOf(hook)
      return [hook, live.filter((other) => paths.some((path) => catches(other, path, hook)))] as const
    }),
  )
  const found: Cycle[] = []
  const told = new Set<Hook>()
  for (const start of live) {
    if (told.has(start)) continue
    const path = wayRound(start, edges)
    if (!path) continue
    for (const hook of path) told.add(hook)
    found.push({ hooks: path, byAgent: path.some((hook) => writesOf(hook).byAgent) })
  }
  return found
}

/** The shortest way from a hook back to itself. */
function wayRound(start: Hook, edges: ReadonlyMap<Hook, readonly Hook[]>): readonly Hook[] | undefined {
  const before = new Map<Hook, Hook>()
  const open = [start]
  while (open.length > 0) {
    const here = open.shift()!
    for (const next of edges.get(here) ?? []) {
      if (next === start) {
        const path = [here]
        while (path[0] !== start) path.unshift(before.get(path[0]!)!)
        return path
      }
      if (before.has(next)) continue
      before.set(next, here)
      open.push(next)
    }
  }
  return undefined
}
