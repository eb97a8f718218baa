/**
 * What HAProxy should have for a traffic configuration, as data. Releases sit in two slots, `a` and `b`; which arm a slot is, and
 * what share it gets, is one line of a map that is changed at once, so a release that is promoted keeps its servers and its
 * citizens' connections:
 *
 *   rules.map   now  <weight ppm>.<generation>.<moveFrom>.<stable tag>.<slot>.<canary tag>.<slot>
 *
 * Each slot has three backends: `a` its own servers only (probes that name the arm), `a_cit` the same with the other arm's as
 * backup (citizens), `a_ws` for upgraded connections, which drain only by order and are counted apart.
 *
 * Where citizens go, the running release's servers stand once more, under a name of their own and looked at by no check: on a machine
 * that is starved every check fails, and every connection is late, while the release would still answer. So nobody is ever told that
 * there is no server; whoever accepts a connection is asked in the end.
 */
import { createHash } from 'node:crypto'
import type { Arm } from '../../core/deploy/counts.ts'
import { releaseTag } from '../../core/traffic/seat.ts'
import type { ArmConfig, Backend, TrafficConfig } from '../../ports/traffic.ts'

export type Slot = 'a' | 'b'
export const SLOTS: readonly Slot[] = ['a', 'b']

/** Release in each slot; null: none. */
export type Occupants = Readonly<Record<Slot, string | null>>

export interface WantedServer {
  readonly backend: string
  readonly name: string
  /** IP address and port, as HAProxy writes them. */
  readonly address: string
  readonly options: string
  readonly checked: boolean
  /** False: it stands ready, and gets no requests. */
  readonly ready: boolean
}

export interface Desired {
  readonly occupants: Occupants
  readonly slotOf: Readonly<Record<Arm, Slot | null>>
  readonly servers: readonly WantedServer[]
  readonly rules: string
  /** By server name: whose it is. */
  readonly known: ReadonlyMap<string, Known>
}

export interface Known {
  readonly id: string
  readonly arm: Arm
  /** Tag of its release, as seats carry it. */
  readonly release: string
}

export interface CheckPace {
  readonly checkEveryMs: number
  readonly fallAfter: number
  readonly riseAfter: number
}

/** Ends the name of a server that is asked when no other is left. */
const LAST = '.last'
// The widest that HAProxy knows. A stand-in that is well is preferred by as much to a server that nobody looks at.
const STAND_IN = 'backup weight 256'
const LAST_RESORT = 'backup weight 1'

/** `addresses` gives the IP address of each host that is a name. */
export function desiredFor(
  config: TrafficConfig,
  before: Occupants,
  pace: CheckPace,
  addresses: ReadonlyMap<string, string> = new Map(),
): Desired {
  const slotOf = seatsFor(config, before)
  const occupants: Record<Slot, string | null> = { a: null, b: null }
  occupants[slotOf.stable] = config.stable.release
  if (slotOf.canary && config.canary) occupants[slotOf.canary] = config.canary.release
  const known = new Map<string, Known>()
  const named = (arm: Arm, of: ArmConfig | undefined) =>
    (of?.backends ?? []).map((backend) => {
      const name = serverName(backend)
      known.set(name, { id: backend.id, arm, release: releaseTag(of!.release) })
      return { name, address: addressOf(backend, addresses) }
    })
  const stable = named('stable', config.stable)
  const canary = named('canary', config.canary)
  const servers: WantedServer[] = []
  const add = (slot: Slot, own: typeof stable, spare: typeof stable, spareTrusted: boolean) => {
    for (const each of own) {
      servers.push({ ...each, backend: slot, options: '', checked: false, ready: true })
      servers.push({ ...each, backend: `${slot}_cit`, options: checkOf(pace, 1), checked: true, ready: true })
      servers.push({ ...each, backend: `${slot}_ws`, options: checkOf(pace, 5), checked: true, ready: true })
    }
    for (const each of spare) {
      const backup = { ...each, ready: spareTrusted }
      servers.push({ ...backup, backend: `${slot}_cit`, options: `${checkOf(pace, 2)} ${STAND_IN}`, checked: true })
      servers.push({ ...backup, backend: `${slot}_ws`, options: STAND_IN, checked: false })
    }
    // The running release's, for both arms: a canary that nobody could reach must not be the last resort of anybody.
    for (const { name, address } of stable) {
      const last = { name: `${name}${LAST}`, address, options: LAST_RESORT, checked: false, ready: true }
      servers.push({ ...last, backend: `${slot}_cit` }, { ...last, backend: `${slot}_ws` })
    }
  }
  // Stable may always stand in; the canary only while it is trusted with a share at all.
  add(slotOf.stable, stable, canary, config.weight > 0)
  if (slotOf.canary) add(slotOf.canary, canary, stable, true)
  return { occupants, slotOf, servers, rules: rulesOf(config, slotOf), known }
}

/** A release that has a slot keeps it; a new one gets the slot that is not in use. */
function seatsFor({ stable, canary }: TrafficConfig, before: Occupants): { stable: Slot; canary: Slot | null } {
  const slotOf = (release: string | undefined) =>
    SLOTS.find((slot) => release !== undefined && before[slot] === release)
  const other = (slot: Slot): Slot => (slot === 'a' ? 'b' : 'a')
  const held = canary && slotOf(canary.release)
  const home = slotOf(stable.release) ?? (held ? other(held) : before.a === null ? 'a' : 'b')
  return { stable: home, canary: canary ? other(home) : null }
}

const PPM = 1_000_000

function rulesOf(config: TrafficConfig, slotOf: { stable: Slot; canary: Slot | null }): string {
  const { canary, generation, moveFrom } = config
  return [
    canary ? Math.round(config.weight * PPM) : 0,
    generation,
    moveFrom === 'canary' ? 'c' : moveFrom === 'stable' ? 's' : 'none',
    releaseTag(config.stable.release),
    slotOf.stable,
    canary ? releaseTag(canary.release) : 'none',
    slotOf.canary ?? 'none',
  ].join('.')
}

/** Readable, and never the same for another address: HAProxy cannot give a server a new address while it has connections. */
export function serverName({ id, host, port }: Backend): string {
  const tag = createHash('sha256').update(`${id}\n${host}\n${port}`).digest('hex').slice(0, 8)
  return `${id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 48)}.${tag}`
}

/** The server's own name, also of its entry as the last resort. */
export function baseName(name: string): string {
  return name.endsWith(LAST) ? name.slice(0, -LAST.length) : name
}

function addressOf({ host, port }: Backend, addresses: ReadonlyMap<string, string>): string {
  const ip = addresses.get(host) ?? host
  return ip.includes(':') ? `ipv6@${ip}:${port}` : `ipv4@${ip}:${port}`
}

/** A refused connection takes a server out at once; a bad health answer only when it is repeated, and soon. */
function checkOf({ checkEveryMs, fallAfter, riseAfter }: CheckPace, slower: number): string {
  const every = Math.max(100, checkEveryMs * slower)
  const soon = Math.max(50, Math.round(checkEveryMs / 2))
  return [
    `check inter ${every}ms fastinter ${soon}ms downinter ${Math.max(100, checkEveryMs)}ms`,
    `fall ${fallAfter} rise ${riseAfter} observe layer4 error-limit 1 on-error mark-down`,
  ].join(' ')
}
