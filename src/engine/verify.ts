/**
 * Our own synthetic citizen tries a release in private: through the real traffic layer, marked as a probe that names the new arm, so
 * no citizen meets the release and nothing is counted as evidence. It walks each journey in order with one cookie jar, reads hidden
 * fields (CSRF tokens) from the form page before each form, and stops at the first step that fails.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Arm } from '../core/deploy/counts.ts'
import { messageOf } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { World } from './world.ts'

/** What the synthetic citizen needs of a step, besides how it is recognised. */
export interface SyntheticStep {
  readonly journey: string
  readonly step: string
  readonly method: string
  readonly route: string
  readonly okStatus: readonly number[]
  readonly marker?: string
  readonly limitMs: number
  /** What it types into the form of a POST step. A POST step without it is not tried, nor is what follows in its journey. */
  readonly form?: Readonly<Record<string, string>>
}

const BODY_MAX = 512 * 1024
const TRIES_WHEN_LATE = 3
const BEFORE_AGAIN_MS = 1_000

/** `{ ok, steps, why }`: the number of steps that were really tried is part of the evidence. */
export async function verifyPrivately(
  world: World,
  steps: readonly SyntheticStep[],
  arm: Arm = 'canary',
): Promise<Json> {
  let tried = 0
  for (const journey of new Set(steps.map((step) => step.journey))) {
    const mine = steps.filter((one) => one.journey === journey)
    let walked = await walk(world, arm, mine)
    // One slow answer may be the machine's, not the release's: an error is believed at once, lateness when it comes again.
    for (let tries = 1; walked.late && tries < TRIES_WHEN_LATE; tries++) {
      await pause(BEFORE_AGAIN_MS)
      walked = await walk(world, arm, mine)
    }
    tried += walked.tried
    if (walked.wrong) return { ok: false, steps: tried, why: walked.wrong }
  }
  if (tried === 0)
    return { ok: false, steps: 0, why: 'no step of the definition can be tried without a person; add a form to one.' }
  return { ok: true, steps: tried, why: `${tried} steps tried` }
}

interface Walked {
  readonly tried: number
  readonly wrong?: string
  /** What was wrong is that an answer came too late. */
  readonly late?: boolean
}

/** One journey with one cookie jar, up to its first step that fails. */
async function walk(world: World, arm: Arm, steps: readonly SyntheticStep[]): Promise<Walked> {
  const visit = new Visit(world, arm)
  let tried = 0
  for (const step of steps) {
    if (step.route.includes(':') || step.route.includes('*') || (step.method !== 'GET' && !step.form)) break
    const wrong = await visit.attempt(step)
    tried++
    if (wrong) return { tried, wrong: `${step.journey}/${step.step}: ${wrong.says}`, late: wrong.late }
  }
  return { tried }
}

interface Wrong {
  readonly says: string
  readonly late: boolean
}

class Visit {
  private readonly cookies = new Map<string, string>()
  private readonly world: World
  private readonly arm: Arm
  constructor(world: World, arm: Arm) {
    this.world = world
    this.arm = arm
  }

  /** What was wrong, or undefined. */
  async attempt(step: SyntheticStep): Promise<Wrong | undefined> {
    try {
      const fields = step.method === 'GET' ? undefined : { ...(await this.hiddenFields(step.route)), ...step.form }
      const began = performance.now()
      const answer = await this.ask(step.method, step.route, step.limitMs, fields)
      const ms = performance.now() - began
      if (!step.okStatus.includes(answer.status)) return { says: `answered ${answer.status}`, late: false }
      // 422 is an answer to a citizen's own mistake; our synthetic citizen makes none.
      if (answer.status === 422) return { says: 'refused what a synthetic citizen typed correctly (422)', late: false }
      if (step.marker && answer.status < 300 && !answer.text.includes(step.marker))
        return { says: `its page does not say "${step.marker}"`, late: false }
      if (ms > step.limitMs) return { says: `took ${Math.round(ms)} ms; citizens wait ${step.limitMs} ms`, late: true }
      return undefined
    } catch (thrown) {
      const late = thrown instanceof Error && thrown.name === 'TimeoutError'
      return { says: `no answer within ${step.limitMs} ms (${messageOf(thrown)})`, late }
    }
  }

  private async hiddenFields(route: string): Promise<Record<string, string>> {
    const page = await this.ask('GET', route, 10_000)
    const fields: Record<string, string> = {}
    for (const [tag] of page.text.matchAll(/<input\b[^>]{0,500}>/g)) {
      const name = attribute(tag, 'name')
      if (attribute(tag, 'type') === 'hidden' && name) fields[name] = attribute(tag, 'value') ?? ''
    }
    return fields
  }

  private async ask(method: string, route: string, limitMs: number, fields?: Record<string, string>) {
    const { probe, publicUrl } = this.world
    const answer = await fetch(new URL(route, publicUrl), {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(limitMs + 1_000),
      headers: {
        [probe.header]: `${probe.secret};arm=${this.arm}`,
        cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(fields ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(fields ? { body: new URLSearchParams(fields).toString() } : {}),
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';', 1)
      const at = pair.indexOf('=')
      if (at > 0) this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    const text = (await answer.text()).slice(0, BODY_MAX)
    return { status: answer.status, text }
  }
}

function attribute(tag: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
}
