/**
 * The part of the infrastructure that decides whether citizens are cut off: budgets of requests, drain and stop, readiness, replicas,
 * images by digest, the way back. AWS from one model (infra/) in the tool of the team, and Kubernetes; each number with its arithmetic.
 */
import type { Component, Service } from '../define/schema.ts'
import type { Path } from '../define/yaml.ts'
import { type KitFile, single } from './file.ts'
import { cdkAppText, cdkStackText } from './infra/cdk.ts'
import { cloudformationText } from './infra/cloudformation.ts'
import { budgetOf, LEAVE_SECONDS } from './infra/figures.ts'
import { machineFiles } from './infra/machine.ts'
import type { Stack } from './infra/model.ts'
import { infrastructureOf, regionOf } from './infra/stack.ts'
import { terraformText } from './infra/terraform.ts'
import { type Source, webOf } from './source.ts'

export function infrastructureFiles({ service }: Source): KitFile[] {
  const from = [['runtime'], ['deployment'], ['harmBudget'], ['tooling']]
  const web = webOf(service)
  if (service.runtime.kind === 'kubernetes')
    return web ? [single('infrastructure', `ops/infrastructure/${web.id}.yaml`, from, kubernetes(service, web))] : []
  const infrastructure = infrastructureOf(service)
  if (!infrastructure) return []
  const { lasting, releases, site } = infrastructure
  const stacks = [lasting, releases, ...(site ? [site] : [])]
  const machine = machineFiles(service).map(({ path, text, head }) => single('infrastructure', path, from, text, head))
  return [...machine, ...stackFiles(service, stacks, from)]
}

function stackFiles(service: Service, stacks: readonly Stack[], from: readonly Path[]): KitFile[] {
  const releases = stacks[1]!
  const folder = 'ops/infrastructure'
  switch (service.tooling.infrastructure) {
    case 'cloudformation':
      return stacks.map((stack) =>
        single('infrastructure', `${folder}/${stack.name}.template.yml`, from, cloudformationText(stack)),
      )
    case 'terraform': {
      // A folder is a state of its own: what lasts is not planned again with every release.
      const region = service.environments.find((environment) => environment.kind === 'production')?.region
      return stacks.map((stack) =>
        single(
          'infrastructure',
          `${folder}/${stack.name}/${stack.name}.tf`,
          from,
          terraformText(stack, regionOf(stack) ?? region),
        ),
      )
    }
    case 'cdk': {
      const app = `${releases.name}-app.ts`
      const config = { app: `npx tsx ${app}`, versionReporting: false }
      return [
        ...stacks.map((stack) =>
          single('infrastructure', `${folder}/${stack.name}-stack.ts`, from, cdkStackText(stack)),
        ),
        single('infrastructure', `${folder}/${app}`, from, cdkAppText(stacks)),
        single('infrastructure', `${folder}/cdk.json`, from, `${JSON.stringify(config, null, 2)}\n`),
      ]
    }
    case 'none':
    case 'other':
      return []
  }
}

/** Until an image is on its machine, assumed (`holdfast check` assumes the same). */
const PULL_SECONDS = 30

function kubernetes(service: Service, web: Component): string {
  const budget = budgetOf(web)
  const probeSeconds = 5
  const starts = Math.ceil(web.startSecondsMax / probeSeconds)
  const name = `${service.service.id}-${web.id}`
  // A new pod is pulled, starts, and answers its probe once; all batches must fit into half of the promise.
  const eachSeconds = PULL_SECONDS + web.startSecondsMax + probeSeconds
  const { maxMinutes } = service.deployment.rollback
  const batches = Math.max(1, Math.floor((maxMinutes * 60) / 2 / eachSeconds))
  const { strategy, rolling } = service.deployment
  const asked = strategy === 'rolling' ? Math.floor(web.replicas * rolling.batchShare) : 0
  const surge = Math.max(1, asked, Math.ceil(web.replicas / batches))
  const share = asked > 0 ? ` the definition asks for ${rolling.batchShare} × ${web.replicas} = ${asked};` : ''
  return [
    'apiVersion: apps/v1',
    'kind: Deployment',
    `metadata: { name: ${name}, labels: { app: ${name} } }`,
    'spec:',
    `  replicas: ${web.replicas}`,
    `  # ${service.deployment.rollback.maxMinutes} minutes are promised for the way back; kept releases are the way back.`,
    '  revisionHistoryLimit: 10',
    `  # Counted from the last pod that came up: one batch of ${eachSeconds} s, and as long again.`,
    `  progressDeadlineSeconds: ${Math.max(120, eachSeconds * 2)}`,
    `  # No replica goes before another can serve. Pull ${PULL_SECONDS} s + start ${web.startSecondsMax} s + probe ${probeSeconds} s = ${eachSeconds} s a batch;`,
    `  # ${batches} of them fit into half of ${maxMinutes} min;${share} so ${surge} of ${web.replicas} at a time.`,
    `  strategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 0, maxSurge: ${surge} } }`,
    `  selector: { matchLabels: { app: ${name} } }`,
    '  template:',
    `    metadata: { labels: { app: ${name} } }`,
    '    spec:',
    `      # ${budget.says}`,
    `      terminationGracePeriodSeconds: ${budget.stop + LEAVE_SECONDS}`,
    '      containers:',
    `        - name: ${web.id}`,
    '          # By digest, so that the release before can be named again. Your pipeline sets it when it applies this file.',
    `          image: ${web.image ?? service.service.id}@sha256:${'0'.repeat(64)}`,
    '          ports: [{ name: http, containerPort: 8080 }]',
    ...(web.secretEnv.length + Object.keys(web.env).length > 0
      ? [
          '          env:',
          ...Object.entries(web.env).map(
            ([variable, value]) => `            - { name: ${variable}, value: ${JSON.stringify(value)} }`,
          ),
          ...web.secretEnv.map(
            (variable) =>
              `            - { name: ${variable}, valueFrom: { secretKeyRef: { name: ${name}, key: ${variable} } } }`,
          ),
        ]
      : []),
    `          # ${starts} tries every ${probeSeconds} s = ${starts * probeSeconds} s to start.`,
    `          startupProbe: { httpGet: { path: ${web.live}, port: http }, periodSeconds: ${probeSeconds}, failureThreshold: ${starts} }`,
    `          # Tries: ${web.readyChecks.join('; ') || 'what a citizen needs'}.`,
    `          readinessProbe: { httpGet: { path: ${web.ready}, port: http }, periodSeconds: ${probeSeconds}, timeoutSeconds: 3, failureThreshold: 2 }`,
    `          livenessProbe: { httpGet: { path: ${web.live}, port: http }, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 }`,
    '          lifecycle:',
    `            # The balancer hears of it within ${LEAVE_SECONDS} s; until then requests still arrive.`,
    `            preStop: { exec: { command: [sleep, "${LEAVE_SECONDS}"] } }`,
    ...(web.memoryMb
      ? [`          resources: { requests: { memory: ${web.memoryMb}Mi }, limits: { memory: ${web.memoryMb}Mi } }`]
      : []),
    '---',
    'apiVersion: policy/v1',
    'kind: PodDisruptionBudget',
    `metadata: { name: ${name} }`,
    'spec:',
    '  # Work on the cluster takes one replica at a time.',
    '  maxUnavailable: 1',
    `  selector: { matchLabels: { app: ${name} } }`,
  ].join('\n')
}
