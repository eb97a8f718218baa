/**
 * A session's seat: which arm answers it, decided by one throw of a coin at its first request, and kept in a signed cookie, so
 * that any worker, also one that has just been started, seats the same citizen the same way without asking anybody.
 *
 *   first request ─coin─► seated ─┬─ generation raised, arm = moveFrom ─► other arm, evidence left out
 *                                 ├─ the seat's release changed arms (promotion) ─► follows its release, evidence left out
 *                                 ├─ the seat's release is gone ─► coin again, evidence left out
 *                                 └─ older than SEAT_MS_MAX ─► a new session
 *
 * With rings of tenants (tenant.ts) the coin's weight is that of the request's ring, and a session takes the seat that its present tenant
 * allows: stable where the ring is not open yet, the canary where it is proven. A seat that was changed so is left out of the evidence.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Arm } from '../deploy/counts.ts'
import { HOUR, type Instant } from '../time.ts'
import { type RingSeat, ringReader, type TenantRequest, type TenantRule } from './tenant.ts'

export interface Seat {
  readonly id: string
  readonly arm: Arm
  /** Generation that the evidence of this session belongs to. */
  readonly generation: number
  /** Highest generation whose move this session has been through. */
  readonly settled: number
  /** Share of new sessions that the canary was getting at the coin. */
  readonly share: number
  /** Tag of the release that the session sits on. */
  readonly release: string
  readonly at: Instant
}

export const SEAT_COOKIE = 'holdfast_seat'

/** After this a returning browser is a new session. Mobile browsers keep "session" cookies for weeks. */
export const SEAT_MS_MAX = 12 * HOUR

/** The part of a traffic configuration (ports/traffic.ts) that seats depend on. */
export interface Seating {
  readonly stable: { readonly release: string }
  readonly canary?: { readonly release: string }
  readonly weight: number
  readonly generation: number
  readonly moveFrom?: Arm
  readonly tenants?: TenantRule
}

/** What seating looks at, worked out once for a configuration. */
export interface SeatRules {
  readonly weight: number
  readonly generation: number
  readonly moveFrom: Arm | undefined
  /** Tag of each arm's release; canary undefined: there is none. */
  readonly stable: string
  readonly canary: string | undefined
  /** The ring of a request's tenant; undefined: citizens are not told apart by tenant. */
  readonly ringOf?: ((request: TenantRequest) => RingSeat) | undefined
}

export function seatRulesOf(config: Seating): SeatRules {
  return {
    weight: config.canary ? config.weight : 0,
    generation: config.generation,
    moveFrom: config.moveFrom,
    stable: releaseTag(config.stable.release),
    canary: config.canary && releaseTag(config.canary.release),
    ringOf: config.canary && config.tenants && ringReader(config.tenants),
  }
}

/** Short and one-way: the cookie tells nobody the release's name. */
export function releaseTag(release: string): string {
  return createHash('sha256').update(release).digest('base64url').slice(0, 8)
}

/**
 * The seat for this request. Gives back `known` itself when nothing changed, so that the caller writes a cookie only when it
 * must. `dice` gives a number from 0 up to but not including 1; `freshId` a random session id.
 */
export function seatOf(
  known: Seat | undefined,
  rules: SeatRules,
  dice: () => number,
  freshId: () => string,
  now: Instant,
  ring?: RingSeat,
): Seat {
  const seat = keptSeat(known, rules, dice, freshId, now, ring ? ring.weight : rules.weight)
  if (!ring || rules.canary === undefined) return seat
  if (ring.weight <= 0 && seat.arm === 'canary') return allowed(seat, 'stable', rules.stable, rules)
  if (ring.weight >= 1 && seat.arm === 'stable') return allowed(seat, 'canary', rules.canary, rules)
  return seat
}

/** The only seat that the tenant's ring has. What happens next proves nothing: no coin put the session there. */
function allowed(seat: Seat, arm: Arm, release: string, { generation }: SeatRules): Seat {
  return { ...seat, arm, release, generation: Math.min(seat.generation, generation - 1), settled: generation }
}

function keptSeat(
  known: Seat | undefined,
  rules: SeatRules,
  dice: () => number,
  freshId: () => string,
  now: Instant,
  weight: number,
): Seat {
  if (!known || now - known.at > SEAT_MS_MAX || known.at - now > SEAT_MS_MAX)
    return thrown(rules, weight, dice, freshId(), now)
  const other: Arm = known.arm === 'stable' ? 'canary' : 'stable'
  if (rules[known.arm] !== known.release) {
    // Half a journey may lie on the old release, so what happens next proves nothing about either of the present ones.
    const outside = Math.min(known.generation, rules.generation - 1)
    if (rules[other] === known.release) {
      return { ...known, arm: other, generation: outside, settled: rules.generation }
    }
    return { ...thrown(rules, weight, dice, known.id, known.at), generation: outside }
  }
  if (known.settled >= rules.generation) return known
  const to = known.arm === rules.moveFrom ? rules[other] : undefined
  return to === undefined
    ? { ...known, settled: rules.generation }
    : { ...known, arm: other, release: to, settled: rules.generation }
}

function thrown(rules: SeatRules, weight: number, dice: () => number, id: string, at: Instant): Seat {
  const toCanary = rules.canary !== undefined && dice() < weight
  return {
    id,
    arm: toCanary ? 'canary' : 'stable',
    generation: rules.generation,
    settled: rules.generation,
    share: rules.canary === undefined ? 0 : weight,
    release: toCanary ? rules.canary : rules.stable,
    at,
  }
}

/** The cookie's value: `v1.id.arm.generation.settled.share.release.at.mac`, all of it safe in a cookie without quoting. */
export function sealSeat(seat: Seat, key: Buffer): string {
  const body = [
    'v1',
    seat.id,
    seat.arm === 'canary' ? 'c' : 's',
    seat.generation,
    seat.settled,
    Math.round(seat.share * 1e6),
    seat.release,
    Math.floor(seat.at / 1_000).toString(36),
  ].join('.')
  return `${body}.${macOf(body, key)}`
}

const SEALED = /^v1\.([\w-]{8,40})\.([cs])\.(-?\d{1,15})\.(-?\d{1,15})\.(\d{1,7})\.([\w-]{8})\.([0-9a-z]{1,10})$/

/** Undefined for anything that we did not sign ourselves: such a request is a new session. */
export function openSeat(value: string, key: Buffer): Seat | undefined {
  if (value.length > 200) return undefined
  const end = value.lastIndexOf('.')
  const body = value.slice(0, Math.max(0, end))
  const parts = SEALED.exec(body)
  if (!parts) return undefined
  const mac = Buffer.from(value.slice(end + 1))
  const ours = Buffer.from(macOf(body, key))
  if (mac.length !== ours.length || !timingSafeEqual(mac, ours)) return undefined
  return {
    id: parts[1]!,
    arm: parts[2] === 'c' ? 'canary' : 'stable',
    generation: Number(parts[3]),
    settled: Number(parts[4]),
    share: Number(parts[5]) / 1e6,
    release: parts[6]!,
    at: Number.parseInt(parts[7]!, 36) * 1_000,
  }
}

/**
 * `openSeat` with a memory of the seats it has opened lately: a page and its assets come with the same cookie, and checking a
 * signature costs more than all the rest of seating. Bounded; what it forgets is checked again.
 */
export function seatOpener(key: Buffer, seatsMax = 10_000): (value: string) => Seat | undefined {
  const known = new Map<string, Seat>()
  return (value) => {
    let seat = known.get(value)
    if (!seat) {
      seat = openSeat(value, key)
      // Only what we signed is remembered, so nobody can fill this with junk.
      if (seat && known.size >= seatsMax) known.clear()
      if (seat) known.set(value, seat)
    }
    return seat
  }
}

// 128 bits: more than a cookie that seats a session can be worth.
function macOf(body: string, key: Buffer): string {
  return createHmac('sha256', key).update(body).digest().subarray(0, 16).toString('base64url')
}

/** The `Set-Cookie` line. A session cookie: nothing about the visit outlives the browser's own session. */
export function seatCookie(seat: Seat, key: Buffer, secure: boolean): string {
  return `${SEAT_COOKIE}=${sealSeat(seat, key)}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
}

/** The seat cookie's value in a `Cookie` header, and the header without it: the release has no business with it. */
export function takeSeatCookie(header: string): { value: string | undefined; rest: string } {
  if (!header.includes(SEAT_COOKIE)) return { value: undefined, rest: header }
  let value: string | undefined
  const rest: string[] = []
  for (const pair of header.split(';')) {
    const trimmed = pair.trim()
    if (trimmed.startsWith(`${SEAT_COOKIE}=`)) value ??= trimmed.slice(SEAT_COOKIE.length + 1)
    else if (trimmed !== '') rest.push(trimmed)
  }
  return { value, rest: rest.join('; ') }
}
