/** An engine that kills itself with SIGKILL at one point: "commit-before:1" is before its second commit of a decision. */
import { appendFileSync } from 'node:fs'
import { localCommands } from '../../src/adapters/commands/run.ts'
import { gatewayTraffic } from '../../src/adapters/gateway/traffic.ts'
import { openStore } from '../../src/adapters/postgres/store.ts'
import { processRuntime } from '../../src/adapters/process/runtime.ts'
import { deploymentKind, deploymentPerformers } from '../../src/engine/deployments.ts'
import { startEngine } from '../../src/engine/engine.ts'
import type { GateDesk } from '../../src/engine/gates.ts'
import { incidentKind } from '../../src/engine/incidents.ts'
import type { Performer } from '../../src/engine/registry.ts'
import { watchKind } from '../../src/engine/watching.ts'
import type { Store } from '../../src/ports/store.ts'

const { url, control, supervisor, publicPort, journal, kill, leaseMs } = JSON.parse(process.argv[2]!) as {
  url: string
  control: string
  supervisor: string
  publicPort: number
  journal: string
  kill: string
  leaseMs: number
}
const [point = '', passes = '0'] = kill.split(':')
let left = Number(passes)

function here(at: string): void {
  if (at !== point || left-- > 0) return
  process.kill(process.pid, 'SIGKILL')
}

const inner = await openStore(url)
const store: Store = {
  ...inner,
  async commit(claim, change) {
    // Only decisions: commits that carry an effect or an entry. The ticks between them decide nothing.
    const decides = change.effects.length + change.entries.length > 0
    if (decides) here('commit-before')
    const committed = await inner.commit(claim, change)
    if (decides) here('commit-after')
    return committed
  },
  async settle(claim, effect, outcome) {
    here('settle-before')
    const settled = await inner.settle(claim, effect, outcome)
    here('settle-after')
    return settled
  },
}

const world = {
  service: 'svc',
  traffic: gatewayTraffic({ control }),
  runtime: processRuntime({ socket: supervisor }),
  publicUrl: `http://127.0.0.1:${publicPort}`,
  probe: { header: 'x-probe', secret: 'secret-of-the-kill-test' },
  env: {},
  notifiers: {},
  // Of what gates are asked with, these tests need commands only.
  gates: { commands: localCommands(), service: { runtime: { components: [] } } } as unknown as GateDesk,
}
const worlds = () => world
const watched: Record<string, Performer> = {}
const performers: Readonly<Record<string, Performer>> = {
  ...deploymentPerformers(worlds),
  'page.send': async () => ({ sent: 'accepted', reference: 'test' }),
  'comms.publish': async () => ({ published: 'test' }),
}
for (const [kind, perform] of Object.entries(performers)) {
  watched[kind] = async (payload, context) => {
    here('effect-before')
    appendFileSync(journal, `${context.key}\n`)
    return perform(payload, context)
  }
}
startEngine({
  store,
  owner: `engine-${process.pid}`,
  leaseMs,
  registry: {
    kinds: { deployment: deploymentKind(worlds), incident: incidentKind, watch: watchKind(worlds, store) },
    performers: watched,
  },
  remark: (says) => process.stderr.write(`${process.pid} ${says}\n`),
})
