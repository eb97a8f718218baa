import { child, fields, items, type Node, type Spot, spotOf } from '../formats/node.ts'
import { containersOf, fieldOf } from '../models/cloud.ts'
import { workloads } from '../models/kube.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { commandWords, type World } from '../world.ts'

const MIGRATES =
  /\bprisma\s+(?:migrate\s+deploy|db\s+push)\b|\b(?:rails|rake|bin\/rails)\s+db:(?:migrate|prepare)\b|\balembic\s+upgrade\b|\bmanage\.py\s+migrate\b|\bknex\s+migrate:(?:latest|up)\b|\bsequelize(?:-cli)?\s+db:migrate\b|\btypeorm\s+migration:run\b|\bflyway\s+migrate\b|\bliquibase\s+update\b|\bgoose\s+(?:\S+\s+)*up\b|\bdbmate\s+(?:up|migrate)\b|\bmigrate\s+-(?:path|database|source)\b|\bdb-migrate\s+up\b|\bnode-pg-migrate\s+up\b|\b(?:npm|yarn|pnpm)\s+(?:run\s+)?(?:db:)?migrate\b|\bdrizzle-kit\s+(?:migrate|push)\b/

export const migrateOnBoot: Rule = {
  id: 'migrate-on-boot',
  question: 3,
  title: 'Schema changes run once, before the release, not when each copy starts',
  formats: ['dockerfile', 'compose', 'kubernetes', 'ecs', 'cloudformation', 'terraform', 'package-json'],
  severity: 'error',
  reach: 3,
  harm: 'Several copies change the schema at the same time, and a change that fails keeps every new copy from starting; a restart at noon may run it.',
  defaults: 'What the start command runs, every copy runs at every start.',
  fix: 'Run the migration as a step of its own (a job, a Helm hook, a one-off task) that succeeds before traffic moves.',
  cites: 'playbook: check for database migration risks that could block rollback',
  bad: { Dockerfile: 'FROM node:20\nCMD ["sh", "-c", "npx prisma migrate deploy && exec node server.js"]\n' },
  good: { Dockerfile: 'FROM node:20\nCMD ["node", "server.js"]\n' },
  *check(world): Iterable<Verdict> {
    const scripts = startScripts(world)
    for (const { words, at, sure } of starts(world)) {
      const script = /\b(?:npm|yarn|pnpm)\s+(?:run\s+)?(start[\w:]*)\b/.exec(words)?.[1]
      const more = script ? (scripts.get(script)?.words ?? '') : ''
      const match = MIGRATES.exec(words) ?? MIGRATES.exec(more)
      if (match) yield fail(at, `Every copy runs "${match[0]}" when it starts.`, sure ? {} : { severity: 'warn' })
      else yield pass(at)
    }
  },
}

interface Start {
  readonly words: string
  readonly at: Spot
  readonly sure: boolean
}

/** What runs whenever a copy of the service starts. Jobs, hooks and one-off tasks are not starts. */
function starts(world: World): readonly Start[] {
  const found: Start[] = []
  const add = (node: Node | undefined, sure: boolean) => {
    if (node && commandWords(node)) found.push({ words: commandWords(node), at: spotOf(node), sure })
  }
  for (const file of world.dockerfiles) {
    const last = Math.max(-1, ...file.instructions.map((instruction) => instruction.stage))
    if (/migrat/i.test(file.src.file)) continue
    for (const instruction of file.instructions) {
      if (instruction.stage !== last || (instruction.name !== 'CMD' && instruction.name !== 'ENTRYPOINT')) continue
      // A command that only migrates makes an image for a migration job.
      const words = instruction.exec?.join(' ') ?? instruction.args
      const at = { file: file.src.file, ...file.src.lines.placeOf(instruction.at) }
      if (/[;&|]/.test(words) || !MIGRATES.test(words)) found.push({ words, at, sure: true })
    }
  }
  for (const { root } of world.composes) {
    for (const [name, service] of fields(child(root, 'services')))
      if (!/migrat|setup|init/i.test(name)) add(child(service, 'command') ?? child(service, 'entrypoint'), false)
  }
  for (const workload of workloads(world.kube, ['Deployment', 'StatefulSet', 'Rollout'])) {
    if (!workload.object.production || /migrat/i.test(workload.object.name)) continue
    const inits = items(child(workload.pod, 'initContainers'))
    for (const container of [...workload.containers, ...inits]) {
      const command = child(container, 'command')
      add(command, workload.replicas > 1)
      if (child(container, 'args')) add(child(container, 'args'), workload.replicas > 1)
    }
  }
  for (const task of world.cloud.filter((resource) => resource.type === 'ecs-task' && !/migrat/i.test(resource.id))) {
    for (const container of containersOf(task) ?? []) add(fieldOf(task, container, 'Command'), true)
  }
  return found
}

function startScripts(world: World): ReadonlyMap<string, Start> {
  return new Map(
    world
      .documents('package-json')
      .flatMap(({ root }) =>
        fields(child(root, 'scripts')).map(
          ([name, node]) => [name, { words: commandWords(node), at: spotOf(node), sure: true }] as const,
        ),
      ),
  )
}
