/** The example services and, for the runtimes that no example has, the same services on another runtime. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadService } from '../../src/core/define/load.ts'
import type { Service } from '../../src/core/define/schema.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export const EXAMPLES: ReadonlyMap<string, Service> = new Map(
  readdirSync(`${root}examples`)
    .filter((folder) => existsSync(`${root}examples/${folder}/service.yaml`))
    .map((folder) => [
      folder,
      loadService(readFileSync(`${root}examples/${folder}/service.yaml`, 'utf8'), 'service.yaml').service!,
    ]),
)

type Runtime = Service['runtime']['kind']
type Strategy = Service['deployment']['strategy']

/** An example with another runtime, strategy or tool. */
export function on(
  example: string,
  change: {
    readonly runtime?: Runtime
    readonly strategy?: Strategy
    readonly tooling?: Partial<Service['tooling']>
  },
): Service {
  const service = structuredClone(EXAMPLES.get(example)!)
  const { runtime, strategy, tooling } = change
  return {
    ...service,
    runtime: { ...service.runtime, ...(runtime ? { kind: runtime } : {}) },
    deployment: strategy ? { ...service.deployment, strategy, followedBy: [], byArtefact: [] } : service.deployment,
    tooling: { ...service.tooling, ...tooling },
  }
}

/** Every shape of infrastructure that the kit knows, by name. */
export const SHAPES: ReadonlyMap<string, Service> = new Map([
  ['ECS blue-green with a worker', on('renewal-documents', {})],
  ['ECS after a shadow, with a scheduled run', on('benefit-assessment', {})],
  ['ECS canary', on('heating-payment', { runtime: 'ecs' })],
  ['ECS rolling with workers and schedules', on('pq-tracker', { runtime: 'ecs' })],
  ['scheduled functions beside a site of files', on('performance-dashboard', {})],
  ['a site of files alone', on('performance-dashboard', { runtime: 'static' })],
  ['a function for citizens', on('heating-payment', { runtime: 'lambda', tooling: { traces: 'X-Ray' } })],
  ['machines, blue-green', on('renewal-documents', { runtime: 'ec2', strategy: 'blue-green' })],
  ['machines, rolling', on('heating-payment', { runtime: 'ec2', strategy: 'rolling' })],
])
