/** Seats each request and sends it on its way: the part of a worker that a test can hold without a process. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Arm } from '../core/deploy/counts.ts'
import type { Answer } from '../core/traffic/ledger.ts'
import {
  type Seat,
  type SeatRules,
  seatCookie,
  seatOf,
  seatOpener,
  seatRulesOf,
  takeSeatCookie,
} from '../core/traffic/seat.ts'
import { ringSegment } from '../core/traffic/tenant.ts'
import { agentReader, type Probe, probeReader, visitorOf } from '../core/traffic/visitor.ts'
import type { WorkerOptions } from '../ports/gateway.ts'
import type { StepMatch, TrafficConfig } from '../ports/traffic.ts'
import { Attempt } from './attempt.ts'
import { type Member, Pool } from './backends.ts'
import { Exchange, type Host } from './exchange.ts'
import { ambiguity, hasBody, type Inbound, protocolOf, requestHeaders } from './headers.ts'
import { NO_TOLLS, type ShadowSums, type Tolls } from './messages.ts'
import { PAGES, sendPage } from './pages.ts'
import { compileRoutes, type Routes } from './routes.ts'
import { Shadows } from './shadow.ts'
import { Slots } from './slots.ts'
import { endWithPage, passUpgrade } from './upgrade.ts'

export interface FrontdoorParts {
  readonly key: Buffer
  readonly options: WorkerOptions
  readonly dice: () => number
  readonly freshId: () => string
}

/** A configuration with everything worked out that each request needs. Replaced as a whole, so no request sees half of two. */
interface InForce {
  readonly config: TrafficConfig
  readonly routes: Routes
  readonly rules: SeatRules
  readonly probeOf: (value: string | undefined) => Probe | undefined
  readonly probeHeader: string
}

const TARGET_MAX = 8_192
// Reports that nobody fetches (the primary is dead) stay bounded; their loss shows as a gap.
const ANSWERS_MAX = 20_000
// New backends get this long for their first health check before a change counts as applied.
const FIRST_CHECK_MS = 2_000

export class Frontdoor implements Host {
  readonly pool: Pool
  readonly options: WorkerOptions
  draining = false
  readonly unanswered = new Slots<Exchange>()
  readonly #parts: FrontdoorParts
  readonly #agentOf = agentReader()
  readonly #openSeat: (sealed: string) => Seat | undefined
  readonly #shadows: Shadows
  readonly #tolls: { -readonly [Key in keyof Tolls]: Tolls[Key] } = { ...NO_TOLLS }
  #answers: Answer[] = []
  #inForce: InForce | undefined

  constructor(parts: FrontdoorParts) {
    this.#parts = parts
    this.options = parts.options
    this.#openSeat = seatOpener(parts.key)
    this.pool = new Pool(parts.options)
    this.#shadows = new Shadows(this.pool, this.#tolls)
  }

  /** In force for the next request already when this returns; the promise waits for the first look at new backends. */
  async apply(config: TrafficConfig): Promise<void> {
    this.#inForce = {
      config,
      routes: compileRoutes(config.steps),
      rules: seatRulesOf(config),
      probeOf: probeReader(config.probe),
      probeHeader: config.probe.header.toLowerCase(),
    }
    this.pool.apply(config)
    this.#shadows.apply(config.shadow)
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((done) => {
      timer = setTimeout(done, FIRST_CHECK_MS)
    })
    await Promise.race([this.pool.known(), enough])
    clearTimeout(timer)
  }

  /** False: the request could be read in two ways, so nothing that follows it on its connection can be believed. */
  request(req: IncomingMessage, res: ServerResponse): boolean {
    const path = targetOf(req)
    const now = this.#inForce
    if (path === undefined) sendPage(res, PAGES.refused, true)
    else if (path.length > TARGET_MAX) sendPage(res, PAGES.tooLong, true)
    else if (now) this.#exchange(now, path, req, res)
    else {
      this.#tolls.requests++
      this.#tolls.failedByUs++
      sendPage(res, PAGES.unavailable, this.draining)
    }
    return path !== undefined
  }

  #exchange(now: InForce, path: string, req: IncomingMessage, res: ServerResponse): void {
    const method = req.method!
    const step = now.routes.match(method, path)
    const seated = this.#seat(now, req, path, step !== undefined && step.marker !== undefined, false)
    const { seat, cookie, probe, alone, visitor, agent, ring } = seated
    const body = hasBody(req.headers)
    const key = keyOf(step)
    const attempt =
      step &&
      new Attempt(step, (outcome) => {
        if (this.#answers.length >= ANSWERS_MAX) return
        const { id: session, arm, share, generation } = seat
        const { journey, step: name } = step
        const segment = ring && ring.id !== '' ? ringSegment(ring.id, agent.segment) : agent.segment
        this.#answers.push({ session, journey, step: name, arm, share, generation, segment, visitor, outcome })
      })
    if (method !== 'GET' && method !== 'HEAD') this.#shadows.changes(seat.id)
    const copied = visitor !== 'probe' && this.#shadows.copies(method, body, key)
    const chunked = req.headers['transfer-encoding'] !== undefined
    const question = { method, path, headers: seated.headers, body, chunked }
    const begin = (answering: Member) =>
      this.#shadows.begin(answering, question, seat.id, key ?? keyOf(now.routes.page(path)))
    const plan = { seat, cookie, probe, alone, question, attempt, shadow: copied ? begin : undefined }
    new Exchange(this, plan, req, res).start()
  }

  upgrade(req: IncomingMessage, client: Duplex, head: Buffer): void {
    client.on('error', () => client.destroy())
    const path = targetOf(req)
    const now = this.#inForce
    // A body would come where the new protocol's bytes are expected.
    if (path === undefined || path.length > TARGET_MAX || hasBody(req.headers)) endWithPage(client, PAGES.refused)
    else if (!now) endWithPage(client, PAGES.unavailable)
    else {
      // An offer of HTTP/2 may be ignored, and is (RFC 9113 section 3.1): the release answers as if it had not been made.
      const upgrade = req.headers.upgrade?.toLowerCase() !== 'h2c'
      const { seat, headers, cookie, probe, alone } = this.#seat(now, req, path, false, upgrade)
      const picked = this.pool.pick(seat.arm, alone)
      passUpgrade(this, { picked, path, headers, cookie, probe }, req, client, head)
    }
  }

  failedByUs(): void {
    this.#tolls.failedByUs++
  }

  closeUpgraded(arm: Arm, overMs: number): void {
    for (const member of this.pool.withArm(arm)) {
      for (const each of member.upgraded) setTimeout(() => each.close(), this.#parts.dice() * overMs)
    }
  }

  /** Gives up on releases that say nothing. Call it now and then. */
  giveUpLate(nowMs: number): void {
    for (const exchange of this.unanswered.all()) exchange.giveUpWhenLate(nowMs)
  }

  /** What happened since the last call; undefined when nothing did. */
  takeReport(): { tolls: Tolls; answers: readonly Answer[]; shadow?: ShadowSums } | undefined {
    const tolls = { ...this.#tolls }
    const shadow = this.#shadows.take()
    if (!shadow && this.#answers.length === 0 && Object.values(tolls).every((toll) => toll === 0)) return undefined
    const answers = this.#answers
    this.#answers = []
    Object.assign(this.#tolls, NO_TOLLS)
    return { tolls, answers, ...(shadow ? { shadow } : {}) }
  }

  #seat(now: InForce, req: IncomingMessage, path: string, readable: boolean, upgrade: boolean) {
    const { headers } = req
    const { key, dice, freshId } = this.#parts
    const probe = now.probeOf(headers[now.probeHeader] as string | undefined)
    const agent = this.#agentOf(headers['user-agent'])
    const visitor = visitorOf(probe, agent)
    if (!probe) this.#tolls.requests++
    const sealed = headers.cookie === undefined ? undefined : takeSeatCookie(headers.cookie).value
    const known = sealed === undefined ? undefined : this.#openSeat(sealed)
    const ring = now.rules.ringOf?.({ path, host: headers.host, header: (name) => firstOf(headers[name]) })
    const own = seatOf(known, now.rules, dice, freshId, Date.now(), ring)
    const cookie = own === known ? undefined : seatCookie(own, key, protocolOf(headers) === 'https')
    const seat = probe?.arm ? { ...own, arm: probe.arm } : own
    const inbound: Inbound = {
      rawHeaders: req.rawHeaders,
      headers: headers as Inbound['headers'],
      remoteAddress: req.socket.remoteAddress ?? 'unknown',
    }
    const { probeHeader } = now
    const forward = requestHeaders(inbound, { method: req.method!, visitor, probeHeader, readable, upgrade })
    const alone = probe?.arm !== undefined
    return { seat, cookie, probe: probe !== undefined, alone, headers: forward, visitor, agent, ring }
  }
}

// Node's server reads more than its client would write, such as a tab in the address. Neither shall we.
const UNWRITABLE = /[^\x21-\xff]/

function keyOf(step: StepMatch | undefined): string | undefined {
  return step && `${step.journey}/${step.step}`
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

/** The path to ask a release for; undefined for a request that must not be passed on. */
function targetOf(req: IncomingMessage): string | undefined {
  if (ambiguity(req.rawHeaders) !== undefined) return undefined
  if (req.httpVersion === '1.1' && req.headers.host === undefined) return undefined
  const target = req.url ?? ''
  if (UNWRITABLE.test(target)) return undefined
  if (target.startsWith('/')) return target
  if (target === '*' && req.method === 'OPTIONS') return target
  // A proxy must also take the absolute form (RFC 9112 section 3.2.2). Its host does not choose anything here.
  const absolute = /^https?:\/\/[^/?#]*(.*)$/i.exec(target)
  return absolute ? absolute[1]!.replace(/^(?!\/)/, '/') : undefined
}
