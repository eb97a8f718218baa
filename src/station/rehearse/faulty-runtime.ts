/** A runtime whose marked releases get a fault proxy before each replica; everything else is as the runtime itself does it. */
import type { Instance, Runtime } from '../../ports/runtime.ts'
import { isUnreachable } from '../../ports/unreachable.ts'
import { type FaultProxy, openFaultProxy, type Trouble } from './fault-proxy.ts'

export interface FaultyRuntime extends Runtime {
  /** This release gets proxies when it is started. */
  mark(release: string): void
  /** All its replicas from now on; those that are started later, too. */
  arm(release: string, trouble: Trouble): void
  /** When the last request of a citizen came to it after it was armed, epoch ms; null: none. */
  lastRequestAt(release: string): number | null
  /** Ends its proxies, when the release has been stopped. */
  forget(release: string): Promise<void>
  close(): Promise<void>
}

interface Marked {
  /** By replica; promises, because two may ask for the same replica at once. */
  readonly opened: Map<string, Promise<FaultProxy>>
  readonly proxies: FaultProxy[]
  trouble?: Trouble
}

export function faultyRuntime(real: Runtime): FaultyRuntime {
  const marked = new Map<string, Marked>()
  const open = async (mark: Marked, instance: Instance) => {
    const proxy = await openFaultProxy(instance, instance.release)
    mark.proxies.push(proxy)
    if (mark.trouble) proxy.arm(mark.trouble)
    return proxy
  }
  const behind = async (instance: Instance): Promise<Instance> => {
    const mark = marked.get(instance.release)
    if (!mark) return instance
    const opening = mark.opened.get(instance.id) ?? open(mark, instance)
    mark.opened.set(instance.id, opening)
    return { ...instance, host: '127.0.0.1', port: (await opening).port }
  }
  const forget = async (release: string) => {
    const mark = marked.get(release)
    marked.delete(release)
    const proxies = await Promise.all(mark?.opened.values() ?? [])
    await Promise.all(proxies.map((proxy) => proxy.close()))
  }
  return {
    ...real,
    async start(spec) {
      const answer = await real.start(spec)
      if (!('started' in answer) || !answer.started) return answer
      return { ...answer, instances: await Promise.all(answer.instances.map(behind)) }
    },
    async instances(release) {
      const answer = await real.instances(release)
      return isUnreachable(answer) ? answer : Promise.all(answer.map(behind))
    },
    mark(release) {
      marked.set(release, { opened: new Map(), proxies: [] })
    },
    arm(release, trouble) {
      const mark = marked.get(release)
      if (!mark) return
      mark.trouble = trouble
      for (const proxy of mark.proxies) proxy.arm(trouble)
    },
    lastRequestAt(release) {
      const times = (marked.get(release)?.proxies ?? []).map((proxy) => proxy.lastRequestAt ?? 0)
      return Math.max(0, ...times) || null
    },
    forget,
    async close() {
      for (const release of [...marked.keys()]) await forget(release)
    },
  }
}
