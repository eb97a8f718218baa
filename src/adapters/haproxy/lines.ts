/**
 * HAProxy's log lines, one for each answer, and what each says about a release. Pure.
 *
 * What is not seen from here, and how it is counted:
 * - An answer is known when it is over. One that is not there when the citizen's limit passes counts as slow once it ends.
 * - The marker is searched in the first 24 KiB. In a longer page without it there, it cannot be told: status and time decide.
 * - An answer longer than 256 KiB may have waited for a slow reader: time counts up to its first byte.
 * - A request longer than 24 KiB may have come from a slow sender, which HAProxy counts as the release's time: status decides.
 */
import type { Arm } from '../../core/deploy/counts.ts'
import type { Answer, Outcome } from '../../core/traffic/ledger.ts'
import { agentReader } from '../../core/traffic/visitor.ts'
import type { StepMatch } from '../../ports/traffic.ts'
import { LINE_BYTES, LOOKED_AT_BYTES } from './configuration.ts'

/** Sent at once into the kernel's buffers, however slowly it is read. */
const READ_AT_ONCE_BYTES = 262_144

export interface Line {
  /** Number of the line in its process, and that process. */
  readonly n: number
  readonly pid: number
  /** Moment at which the request had arrived (its head), epoch ms. */
  readonly at: number
  /** HAProxy's two letters: who ended it and when ("--": as it should). Section 8.5 of its configuration manual. */
  readonly end: string
  readonly status: number
  readonly waitedMs: number
  /** The same, up to the first byte of the answer. */
  readonly firstByteMs: number
  readonly sent: number
  readonly received: number
  readonly retried: boolean
  readonly backend: string
  readonly server: string
  readonly stepsTag: string
  readonly step: number | undefined
  readonly seat: string
  readonly arm: Arm
  readonly probe: boolean
  readonly found: boolean
  /** Bytes of the page that were searched; undefined: it was not. */
  readonly searched: number | undefined
  readonly agent: string
}

/** Undefined for anything that is no line of ours. */
export function lineIn(text: string): Line | undefined {
  if (text.length > LINE_BYTES) return undefined
  let raw: Record<string, unknown>
  try {
    raw = JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
  if (typeof raw !== 'object' || raw === null) return undefined
  const number = (name: string) => (typeof raw[name] === 'number' ? (raw[name] as number) : -1)
  const word = (name: string) => (typeof raw[name] === 'string' ? (raw[name] as string) : '-')
  const plus = (...names: string[]) => names.reduce((sum, name) => sum + Math.max(0, number(name)), 0)
  if (number('n') < 0 || number('p') < 0 || number('d') < 0) return undefined
  const step = /^(\d{1,4})m?$/.exec(word('e'))?.[1]
  return {
    n: number('n'),
    pid: number('p'),
    at: number('d') + plus('h', 'i', 'R'),
    end: word('t'),
    status: number('z'),
    // Without the head's and the form's own arrival.
    waitedMs: Math.max(0, number('a') - plus('R', 'w')),
    firstByteMs: plus('c', 'r'),
    sent: number('B'),
    received: number('U'),
    retried: word('y') !== '0',
    backend: word('b'),
    server: word('s'),
    stepsTag: word('k'),
    step: step === undefined ? undefined : Number(step),
    seat: word('q'),
    arm: word('o') === 'c' ? 'canary' : 'stable',
    probe: word('v') !== '-',
    found: word('m') === 'y',
    searched: /^\d{1,9}$/.test(word('l')) ? Number(word('l')) : undefined,
    agent: word('g'),
  }
}

/** True when nobody served the request because of the traffic layer: no server, no connection, no room, or cut by order. */
export function isOurFailure({ end, backend }: Line): boolean {
  // Upgraded connections end by order: that is what they were told.
  if (backend.endsWith('_ws') && /^[DK]/.test(end)) return false
  return /^(?:[SsP][CQ]|[RIDKU].)/.test(end)
}

/** False for what could not be read as a request at all: nobody's answer. */
export function isRequest({ end }: Line): boolean {
  return end[1] !== 'R'
}

/** What this answer was worth to the citizen; undefined: it says nothing about the release of their seat. */
export function outcomeOf(line: Line, { okStatus, limitMs }: StepMatch, standIn: boolean): Outcome | undefined {
  if (!isRequest(line)) return undefined
  // The stand-in's answer proves nothing; an own server that would not take the request has failed it.
  if (standIn) return line.retried ? 'failed' : undefined
  const waitedMs = line.sent > READ_AT_ONCE_BYTES ? line.firstByteMs : line.waitedMs
  const late = line.received <= LOOKED_AT_BYTES && waitedMs > limitMs
  // The citizen went away: before the limit that is their own choice; after it, they gave up on us.
  if (/^[Cc]/.test(line.end)) return late ? 'slow' : undefined
  if (line.end !== '--' || !okStatus.includes(line.status)) return 'failed'
  const whole = line.searched !== undefined && line.searched < LOOKED_AT_BYTES
  if (whole && !line.found) return 'failed'
  return late ? 'slow' : 'ok'
}

export interface LineReader {
  /** The answer as evidence; undefined: none. `standIn`: another arm's server gave it. */
  read(line: Line, step: StepMatch, standIn: boolean): Answer | undefined
}

export function lineReader(): LineReader {
  const agentOf = agentReader()
  return {
    read(line, step, standIn) {
      const outcome = outcomeOf(line, step, standIn)
      const [, session, , generation, , share] = line.seat.split('.')
      if (!outcome || !session || !/^-?\d+$/.test(generation ?? '') || !/^\d+$/.test(share ?? '')) return undefined
      const { bot, segment } = agentOf(line.agent === '-' ? undefined : line.agent)
      return {
        session,
        journey: step.journey,
        step: step.step,
        arm: line.arm,
        share: Number(share) / 1e6,
        generation: Number(generation),
        segment,
        visitor: line.probe ? 'probe' : bot ? 'bot' : 'citizen',
        outcome,
      }
    },
  }
}
