/**
 * The engine: claims machines that are due, gives each its turns, performs their effects, keeps the leases. Any number of engines
 * share one store; a machine belongs to one at a time. An engine that loses a lease stops that machine at once and writes nothing.
 */
import { messageOf, OpsError } from '../core/errors.ts'
import type { Claim, PendingEffect, Store } from '../ports/store.ts'
import { Fenced, type Registry } from './registry.ts'
import { turn } from './turn.ts'

export interface EngineOptions {
  readonly store: Store
  readonly registry: Registry
  /** Services whose machines this engine takes; absent: all. It must be able to reach the world of each. */
  readonly services?: readonly string[]
  /** Unique among living engines. */
  readonly owner: string
  /** How long a machine stays ours without a heartbeat, in ms. Default 2,000: another engine resumes within 3 s. */
  readonly leaseMs?: number
  /** Machines at the same time. Default 16. */
  readonly machinesMax?: number
  /** Remarks for the operator of the engine: lost leases, a store that is away. */
  readonly remark?: (says: string) => void
}

export interface Engine {
  /** Finishes the turns under way, gives every machine back, and returns. Effects under way are left to finish or be repeated. */
  stop(): Promise<void>
  readonly owner: string
}

const IDLE_MS = 250
const AWAY_MS = 250
/** How often a held machine's outbox is looked at for effects that were put off. */
const LOOK_MS = 500
/** Back-off between tries of an effect whose performer threw. */
const RETRY_MS = [200, 1_000, 5_000, 15_000] as const

export function startEngine(options: EngineOptions): Engine {
  const { store, registry, services, owner, leaseMs = 2_000, machinesMax = 16, remark = () => {} } = options
  const stopping = new AbortController()
  const held = new Map<string, Promise<void>>()

  async function claimLoop(): Promise<void> {
    let away = false
    while (!stopping.signal.aborted) {
      try {
        const claim =
          held.size < machinesMax ? await store.claim(owner, leaseMs, Object.keys(registry.kinds), services) : null
        if (away) remark('The store answers again.')
        away = false
        if (claim)
          held.set(
            claim.machine,
            hold(claim).finally(() => held.delete(claim.machine)),
          )
        else await store.wait(IDLE_MS, stopping.signal)
      } catch (thrown) {
        if (!away) remark(`The store does not answer; traffic goes on as it is. ${messageOf(thrown)}`)
        away = true
        await pause(AWAY_MS, stopping.signal)
      }
    }
  }

  /** Turns of one machine until it sleeps, is done, or is lost. */
  async function hold(first: Claim): Promise<void> {
    let claim = first
    const lost = new AbortController()
    const running = new Map<string, Promise<void>>()
    const wakeUp = new AbortController()
    let nudge = wakeUp
    const heartbeat = setInterval(async () => {
      try {
        const renewed = await store.renew(claim, leaseMs)
        if (renewed === 'fenced') lost.abort()
        else claim = renewed
      } catch {
        // The store is away: the lease may pass. The next turn finds out.
      }
    }, leaseMs / 3)
    const begin = async (): Promise<boolean> => {
      const pending = await store.begin(claim)
      if (pending === 'fenced') return false
      for (const effect of pending) {
        if (running.has(effect.id)) continue
        const done = perform(claim, effect, lost).finally(() => {
          running.delete(effect.id)
          nudge.abort()
        })
        running.set(effect.id, done)
      }
      return true
    }
    try {
      // Postponed effects come due without a commit of ours, so we look again now and then.
      let looked = Number.NEGATIVE_INFINITY
      while (!lost.signal.aborted && !stopping.signal.aborted) {
        const turned = await turn(store, claim, registry)
        if (turned.turned === 'fenced') return remark(`${claim.machine}: another engine has it now.`)
        if (turned.effects || performance.now() - looked >= LOOK_MS) {
          if (!(await begin())) return
          looked = performance.now()
        }
        if (turned.done && running.size === 0) break
        const now = await store.now()
        const sleepMs = turned.wakeAt === null || turned.done ? IDLE_MS : Math.max(0, turned.wakeAt - now)
        if (running.size === 0 && sleepMs > leaseMs && !turned.done) break
        if (sleepMs > 0) {
          nudge = new AbortController()
          await store.wait(Math.min(sleepMs, IDLE_MS), AbortSignal.any([nudge.signal, lost.signal, stopping.signal]))
        }
      }
    } catch (thrown) {
      remark(
        `${claim.machine}: ${thrown instanceof OpsError ? thrown.message : ((thrown as Error).stack ?? messageOf(thrown))}`,
      )
      await pause(AWAY_MS, stopping.signal)
    } finally {
      clearInterval(heartbeat)
      await store.release(claim).catch(() => {})
    }
  }

  async function perform(claim: Claim, effect: PendingEffect, lost: AbortController): Promise<void> {
    const context = {
      claim,
      key: `${claim.machine}/${effect.id}`,
      machine: () => store.read(claim.machine),
      attempts: effect.attempts,
      stop: AbortSignal.any([lost.signal, stopping.signal]),
    }
    try {
      const performer = registry.performers[effect.kind]
      if (!performer) throw new Error(`nobody performs ${effect.kind}`)
      const outcome = await performer(effect.payload, context)
      if ((await store.settle(claim, effect.id, outcome)) === 'fenced') lost.abort()
    } catch (thrown) {
      if (thrown instanceof Fenced) return refusedBy(claim, effect, thrown, lost)
      const wait = RETRY_MS[Math.min(effect.attempts, RETRY_MS.length - 1)]!
      remark(`${context.key}: ${messageOf(thrown)}. Trying again in ${wait} ms.`)
      await store
        .now()
        .then((now) => store.postpone(claim, effect.id, now + wait))
        .catch(() => {})
    }
  }

  /** A port has obeyed a higher epoch. Either we were replaced, or another installation steers the same outside: then a person must know. */
  async function refusedBy(claim: Claim, effect: PendingEffect, thrown: Fenced, lost: AbortController): Promise<void> {
    const renewed = await store.renew(claim, leaseMs).catch(() => 'fenced' as const)
    if (renewed === 'fenced') return lost.abort()
    remark(`${claim.machine}: ${thrown.message}`)
    const outcome = { unreachable: true, why: thrown.message }
    if ((await store.settle(claim, effect.id, outcome).catch(() => 'fenced')) === 'fenced') lost.abort()
  }

  const loop = claimLoop()
  return {
    owner,
    async stop() {
      stopping.abort()
      await loop
      await Promise.all(held.values())
    },
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
