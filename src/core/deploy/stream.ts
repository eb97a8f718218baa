/**
 * The request stream (DESIGN, "Interfaces that stay put"): NDJSON, one answered request a line, ordered by `t`; with sync lines
 * among them in the closed loop. It comes from outside, so every line may be broken, huge or absurd.
 */
import type { Request } from './units.ts'

export type Line =
  | { readonly kind: 'request'; readonly request: Request; readonly remark?: string }
  | { readonly kind: 'sync'; readonly sync: number | string; readonly t: number }
  | { readonly kind: 'bad'; readonly says: string }
  | { readonly kind: 'empty' }

/** Characters of a line at most; longer ones are cut and found to be broken. */
const LINE_MAX = 64 * 1024
const NAME_MAX = 200
/** A step of time that no recording makes: such a line would move our clock past all that follows. */
const JUMP_MAX_MS = 31 * 86_400_000
const TIME_MAX = 8.64e15

/** Reads one line. `last` is the latest moment so far (0: none), because streams are ordered by time. */
export function readLine(text: string, last: number): Line {
  if (text.trim() === '') return { kind: 'empty' }
  if (text.length > LINE_MAX) return bad(`is longer than ${LINE_MAX / 1024} KiB`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return bad('is not JSON')
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return bad('is not an object')
  const row = value as Readonly<Record<string, unknown>>
  const { t } = row
  if (typeof t !== 'number' || !(t >= 0 && t <= TIME_MAX)) return bad('has no "t", a time in ms since 1970')
  if (last > 0 && t - last > JUMP_MAX_MS) return bad('is more than 31 days after the line before')
  if ('sync' in row) {
    const { sync } = row
    if (typeof sync !== 'number' && !(typeof sync === 'string' && sync.length <= NAME_MAX))
      return bad('has a "sync" that is no number')
    return { kind: 'sync', sync, t }
  }
  return requestOf(row, t, last)
}

function requestOf(row: Readonly<Record<string, unknown>>, t: number, last: number): Line {
  const session = typeof row.session === 'number' ? String(row.session) : row.session
  if (!isName(session)) return bad('has no "session", a name of 1 to 200 characters')
  const { arm, ok, journey, step } = row
  if (arm !== 'stable' && arm !== 'canary') return bad('has an "arm" that is neither "stable" nor "canary"')
  if (!isName(journey) || !isName(step)) return bad('has no "journey" and "step"')
  if (typeof ok !== 'boolean') return bad('has an "ok" that is neither true nor false')
  const ms = row.ms === undefined ? 0 : row.ms
  if (typeof ms !== 'number' || !(ms >= 0)) return bad('has an "ms" that is no time')
  const kind = row.kind === undefined ? 'citizen' : row.kind
  if (kind !== 'citizen' && kind !== 'probe' && kind !== 'bot')
    return bad('has a "kind" that is not citizen, probe or bot')
  const segment = row.segment === undefined || row.segment === null ? '' : String(row.segment).slice(0, NAME_MAX)
  const request: Request = { t, session, arm, journey, step, ok, ms, kind, segment }
  if (t < last)
    return { kind: 'request', request, remark: `is ${last - t} ms older than a line before it; it is read as of now` }
  return { kind: 'request', request }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= NAME_MAX
}

function bad(says: string): Line {
  return { kind: 'bad', says: `the line ${says}` }
}

/** Cuts chunks of text into whole lines. What is longer than a line may be is dropped up to its end, and comes out as too long. */
export async function* linesOf(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  let over = false
  for await (const chunk of input) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const lines = text.split('\n')
    const first = lines[0]!
    // A line that is too long already need not grow any further.
    if (!over) rest += first
    if (rest.length > LINE_MAX) {
      rest = rest.slice(0, LINE_MAX + 1)
      over = true
    }
    if (lines.length === 1) continue
    const whole = [rest, ...lines.slice(1, -1)]
    rest = lines[lines.length - 1]!
    over = false
    yield whole
  }
  if (rest !== '') yield [rest]
}
