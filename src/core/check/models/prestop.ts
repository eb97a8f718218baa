/** How long a preStop hook waits. */
import { allText, child, items, type Node, num, text } from '../formats/node.ts'

/** Seconds, or undefined when the hook's command does not say. An HTTP hook is not a wait we can read. */
export function preStopSeconds(hook: Node): number | undefined {
  const slept = num(child(hook, 'sleep', 'seconds'))
  if (slept !== undefined) return slept
  const words = items(child(hook, 'exec', 'command'))
    .map((item) => text(item) ?? allText(item))
    .join(' ')
  const match = /\bsleep\s+(\d{1,5}(?:\.\d+)?)\s*(s|m)?\b/.exec(words)
  if (!match) return undefined
  return Number(match[1]) * (match[2] === 'm' ? 60 : 1)
}
