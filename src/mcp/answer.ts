/** The shape of every answer of `holdfast mcp`: words for the reader first, the same as data beside them, both bounded. */
import * as z from 'zod'
import { countOf } from '../core/words.ts'

/**
 * `yes`: it is so. `no`: it is not. `cannot-tell`: nobody can tell from here, and `needs` names what would settle it. An answer that
 * cannot be told is not an error: the question was fine.
 */
export const verdict = z.enum(['yes', 'no', 'cannot-tell'])
export type Verdict = z.output<typeof verdict>

/** Fields of every answer; each tool adds its own. */
export const common = {
  verdict,
  says: z.string().describe('The answer in one sentence'),
  needs: z.string().optional().describe('With "cannot-tell": the file or fact that would settle it'),
}

/** Characters of words in one answer: about 4,000 tokens, so that an answer never fills an agent's window. */
export const TEXT_MAX = 16_000

export interface Answer {
  readonly verdict: Verdict
  readonly says: string
  readonly needs?: string
}

/** What a tool gives back. `lines` follow the sentence; whatever is beyond the limit is left off, and that is said. */
export function answered<A extends Answer>(answer: A, lines: readonly string[] = []) {
  const head = answer.verdict === 'cannot-tell' ? `Cannot tell: ${answer.says}` : answer.says
  const text = [head, ...(answer.needs ? [`Needed to tell: ${answer.needs}`] : []), ...lines].join('\n')
  return {
    content: [{ type: 'text' as const, text: clipped(text, TEXT_MAX) }],
    structuredContent: answer as unknown as Record<string, unknown>,
  }
}

/** A cannot-tell, from what the desk did not know. */
export function cannotTell(unknown: { readonly why: string; readonly needs: string }) {
  return answered({ verdict: 'cannot-tell' as const, says: unknown.why, needs: unknown.needs })
}

/** All tools only look; none reaches beyond this repository and its store. */
export const READ_ONLY = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }

/** At most `max` characters, with the number of those left off. */
export function clipped(text: string, max: number): string {
  if (text.length <= max) return text
  return `${text.slice(0, max)}\n… ${countOf(text.length - max)} characters more are left off.`
}
