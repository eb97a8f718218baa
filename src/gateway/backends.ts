/**
 * The backends of both arms: who is well, who is next, who is busy. Choosing and registering a request is one synchronous step,
 * so a request can never reach a backend that a change has just taken away without being counted as in flight there.
 *
 *   unknown ─good check─► healthy ◄─riseAfter good checks─ unhealthy
 *      └────────────── connection refused, or fallAfter bad checks ──┘
 */
import { get } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Arm } from '../core/deploy/counts.ts'
import type { WorkerOptions } from '../ports/gateway.ts'
import type { Backend, TrafficConfig } from '../ports/traffic.ts'
import { Lines } from './line.ts'
import type { BackendSight } from './messages.ts'
import { nextTurn, type Turn } from './robin.ts'

/** One open websocket, or whatever else a connection was upgraded to. */
export interface Upgraded {
  /** Tells the client to come back, then closes. */
  close(): void
  readonly sockets: readonly Duplex[]
}

export class Member implements Turn {
  readonly backend: Backend
  readonly lines: Lines
  readonly upgraded = new Set<Upgraded>()
  arm: Arm
  state: 'unknown' | 'healthy' | 'unhealthy' = 'unknown'
  /** The last attempt to connect was refused: not even worth a last try. */
  refusing = false
  credit = 0
  inFlight = 0
  lastRequestAt = 0
  retired = false
  goodInARow = 0
  badInARow = 0
  timer: NodeJS.Timeout | undefined

  constructor(backend: Backend, arm: Arm, connectMs: number) {
    this.backend = backend
    this.arm = arm
    this.lines = new Lines(backend.host, backend.port, connectMs)
  }

  /** A backend that nobody has looked at yet gets a quarter of a healthy one's turns. */
  get weight(): number {
    return this.state === 'healthy' ? 4 : this.state === 'unknown' ? 1 : 0
  }

  sight(): BackendSight {
    const { inFlight, lastRequestAt } = this
    const healthy = this.state === 'healthy' && !this.retired
    return { id: this.backend.id, arm: this.arm, healthy, inFlight, upgraded: this.upgraded.size, lastRequestAt }
  }
}

export interface Pick {
  readonly member: Member
  /** False when the other arm stands in, because the session's own has nobody who is well. */
  readonly own: boolean
}

export class Pool {
  readonly #options: WorkerOptions
  readonly #arms: Record<Arm, readonly Member[]> = { stable: [], canary: [] }
  readonly #retired = new Set<Member>()
  #healthPath = '/'
  #canaryTrusted = false

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  /** Takes a new set of backends. Those that stay keep their health, connections and requests. */
  apply(config: TrafficConfig): void {
    const before = this.members()
    this.#healthPath = config.healthPath
    this.#canaryTrusted = config.canary !== undefined && config.weight > 0
    const kept = new Set<Member>()
    const armOf = (arm: Arm, backends: readonly Backend[]) =>
      backends.map((backend) => {
        const same = before.find((each) => !kept.has(each) && isSame(each.backend, backend))
        const member = same ?? new Member(backend, arm, this.#options.connectMs)
        member.arm = arm
        kept.add(member)
        if (!same) this.#check(member)
        return member
      })
    this.#arms.stable = armOf('stable', config.stable.backends)
    this.#arms.canary = armOf('canary', config.canary?.backends ?? [])
    for (const member of before) if (!kept.has(member)) this.#retire(member)
  }

  /** In force at this moment. */
  members(): readonly Member[] {
    return [...this.#arms.stable, ...this.#arms.canary]
  }

  /** Everything that is in force or still busy. */
  sights(): BackendSight[] {
    const members = this.members()
    const ids = new Set(members.map(({ backend }) => backend.id))
    const busy = [...this.#retired].filter(({ backend }) => !ids.has(backend.id))
    return [...members, ...busy].map((member) => member.sight())
  }

  withArm(arm: Arm): readonly Member[] {
    return [...this.#arms[arm], ...[...this.#retired].filter((member) => member.arm === arm)]
  }

  /**
   * Chooses who answers, and registers the request there. `alone`: only this arm will do (a probe that verifies a release must
   * never be told about the other one).
   *
   * When an arm has nobody who is well, the other stands in: stable always, the canary only while it is trusted with a share at
   * all. A citizen who crosses over may see two releases in one journey; that is better than an error page. What the stand-in
   * answers proves nothing about the arm that the coin chose, so no unit is closed by it. A canary that failed to take the
   * request has failed it for the evidence, whoever saved the citizen: exchange.ts notes that.
   *
   * If nobody is well on either side, whoever still accepts connections is asked after all: a health check can be wrong, and
   * the release's own answer tells the citizen more than ours. Undefined: nobody.
   */
  pick(arm: Arm, alone: boolean, tried: readonly Member[] = [], elsewhere = false): Pick | undefined {
    const free = (each: Arm) => this.#arms[each].filter((member) => !tried.includes(member))
    const other: Arm = arm === 'stable' ? 'canary' : 'stable'
    const standIn = !alone && (other === 'stable' || this.#canaryTrusted)
    let member = elsewhere && standIn ? nextTurn(free(other)) : undefined
    let own = member === undefined
    member ??= nextTurn(tried.length === 0 ? this.#arms[arm] : free(arm))
    if (!member && standIn) {
      member = nextTurn(free(other))
      own = member === undefined
    }
    member ??= free(arm).find(({ refusing }) => !refusing)
    if (!member && standIn) {
      member = free(other).find(({ refusing }) => !refusing)
      own = false
    }
    if (!member) return undefined
    member.inFlight++
    return { member, own }
  }

  /** Gives back what `pick` registered. */
  leave(member: Member): void {
    member.inFlight--
    if (member.retired) this.#forgetIdle(member)
  }

  /**
   * A connection could not be made: no more requests until health checks say otherwise. One that was only late may still be asked
   * when nobody is well.
   */
  refused(member: Member, late = false): void {
    member.state = 'unhealthy'
    member.refusing = !late
    member.goodInARow = 0
  }

  /** Resolves when every backend has had its first check. */
  async known(): Promise<void> {
    const unknown = () => this.members().some(({ state }) => state === 'unknown')
    while (unknown()) await new Promise((next) => setTimeout(next, 10))
  }

  #retire(member: Member): void {
    member.retired = true
    clearTimeout(member.timer)
    this.#retired.add(member)
    this.#forgetIdle(member)
  }

  #forgetIdle(member: Member): void {
    if (member.inFlight > 0 || member.upgraded.size > 0) return
    this.#retired.delete(member)
    member.lines.close()
  }

  #check(member: Member): void {
    const { checkEveryMs, checkTimeoutMs } = this.#options
    const { host, port } = member.backend
    member.lines.dropIdle(performance.now())
    let over = false
    const result = (good: boolean, refusing: boolean) => {
      if (over) return
      over = true
      clearTimeout(deadline)
      request.destroy()
      if (member.retired) return
      this.#judge(member, good, refusing)
      member.timer = setTimeout(() => this.#check(member), checkEveryMs)
    }
    const request = get(
      { host, port, path: this.#healthPath, agent: false, headers: { 'user-agent': 'holdfast-gateway' } },
      (answer) => {
        const status = answer.statusCode ?? 0
        result(status >= 200 && status < 300, false)
      },
    )
    const deadline = setTimeout(() => result(false, false), checkTimeoutMs)
    request.on('error', (error: NodeJS.ErrnoException) => result(false, error.code === 'ECONNREFUSED'))
  }

  #judge(member: Member, good: boolean, refusing: boolean): void {
    member.refusing = refusing
    member.goodInARow = good ? member.goodInARow + 1 : 0
    member.badInARow = good ? 0 : member.badInARow + 1
    if (member.state === 'unknown') member.state = good ? 'healthy' : 'unhealthy'
    else if (refusing || member.badInARow >= this.#options.fallAfter) member.state = 'unhealthy'
    else if (member.goodInARow >= this.#options.riseAfter) member.state = 'healthy'
  }
}

function isSame(a: Backend, b: Backend): boolean {
  return a.id === b.id && a.host === b.host && a.port === b.port
}
