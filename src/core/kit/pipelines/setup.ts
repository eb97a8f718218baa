/** What stands outside of the repository and must be there before the first release: people, names, rights, and the ledger's first line. */
import type { Service } from '../../define/schema.ts'
import { listOf } from '../../words.ts'
import { COMMON_SCRIPT } from './common.ts'
import { pipelineGates } from './gates.ts'
import { productionOf } from './release.ts'
import { type Way, wayOf } from './way.ts'

export const SETUP = 'ops/docs/pipeline-setup.md'

export function setupText(service: Service): string {
  const way = wayOf(service)
  return [
    `# Before the first release of "${service.service.name}" by this pipeline`,
    '',
    // Every job, script and hook starts it without installing anything.
    '- [ ] `package.json` and its lock file name `holdfast` (`npm install --save-dev holdfast`): jobs and scripts run the version that stands there, or stop.',
    ...toolLines(service, way),
    ...(way.scripts.some(({ path }) => path === COMMON_SCRIPT) ? ledgerLines(service, way) : []),
  ].join('\n')
}

/** Names that only the tool of the pipeline knows. */
function toolLines(service: Service, way: Way): string[] {
  const production = productionOf(service)
  const secrets = secretsOf(service, way)
  const { id } = service.service
  const account = service.environments.find(({ kind }) => kind === 'production')?.account
  const where = `\`HOLDFAST_ACCOUNT\`${account ? ` (${account})` : ''}`
  const count = way.ours ? 0 : Math.max(way.people, way.emergencyPeople)
  switch (service.tooling.pipeline) {
    case 'github-actions':
      return [
        `- [ ] Environment \`${production}\`: only the branch that is released may use it.`,
        ...Array.from({ length: count }, (_, i) => {
          const when = i < way.people ? 'for every release' : 'for releases in a closed window'
          return `- [ ] Environment \`${production}-approval-${i + 1}\`: reviewers ${when}; nobody may review what they started.`
        }),
        ...(count > 0 ? [`- [ ] Environment \`${production}-unasked\`: nobody is asked.`] : []),
        `- [ ] Environment \`${production}-rollback\`: whoever may take a release back, at any hour, without asking.`,
        `- [ ] Variables: ${where}${way.tools === 'aws' ? ', `DEPLOY_ROLE_ARN`' : ''}${way.buckets.map((name) => `, \`${name}\``).join('')}.`,
        ...(secrets.length > 0 ? [`- [ ] Secrets: ${ticked(secrets)}.`] : []),
        ...(way.ours || way.tools === 'kubectl' || way.databaseEnv
          ? [`- [ ] A machine of your own with the labels \`self-hosted\` and \`production\`.`]
          : []),
      ]
    case 'jenkins':
      return [
        `- [ ] On the agents that may deploy, and on no other: ${where}${way.buckets.map((name) => `, \`${name}\``).join('')}.`,
        ...(secrets.length > 0
          ? [`- [ ] Credentials: ${ticked(secrets.map((name) => `${id}-${name.toLowerCase().replaceAll('_', '-')}`))}.`]
          : []),
        ...(way.tools === 'kubectl' ? [`- [ ] Credentials: \`${id}-kubeconfig\`, a file.`] : []),
        ...(way.ours ? ['- [ ] The label `production` on the machine where the releases run.'] : []),
      ]
    case 'codepipeline':
      return [
        `- [ ] The stack of \`ops/pipeline/${id}.pipeline.yml\`: each of its parameters says what it is.`,
        `- [ ] Who may start \`${id}-emergency-release\` and \`${id}-break-glass-release\`: few, and somebody is told when they do.`,
      ]
    case 'other':
      return ['- [ ] A pipeline of your own that calls the scripts in this folder.']
  }
}

function secretsOf(service: Service, way: Way): readonly string[] {
  const names = [
    ...(way.ours ? ['HOLDFAST_DATABASE_URL'] : []),
    ...way.serviceEnv.map((name) => `SERVICE_${name}`),
    ...(way.databaseEnv ? [way.databaseEnv] : []),
    ...pipelineGates(service).flatMap((gate) => gate.secretEnv),
  ]
  return [...new Set(names)]
}

const ticked = (names: readonly string[]) => listOf(names.map((name) => `\`${name}\``))

/** Nothing can be gone back to that the ledger does not know. */
function ledgerLines(service: Service, way: Way): string[] {
  const deploy = way.scripts.find(({ path }) => path.endsWith('deploy.sh'))?.text ?? ''
  const noted = /^remember served "\$release"(.*)$/m.exec(deploy)?.[1] ?? ''
  const fields = [...noted.matchAll(/ "([\w-]+)=\$/g)].map(([, part]) => part!)
  const rights = /# Its role may, beside changing the infrastructure: (.*)\.$/m.exec(deploy)?.[1]
  return [
    ...(rights ? [`- [ ] The role that deploys may: ${rights}.`] : []),
    `- [ ] What serves now is written down, or nothing can go back to it: \`bash -c '. ${COMMON_SCRIPT}; remember served NAME${fields.map((part) => ` ${part}=NUMBER`).join('')}'\`${fields.length > 0 ? ` (${service.runtime.kind === 'lambda' ? 'the version that each alias means' : 'family and revision of each task definition'})` : ''}.`,
    ...(service.migrations && way.schema
      ? [
          `- [ ] Everybody who releases knows: when ${service.migrations.contractAfterMinutes} minutes have passed since a release serves alone, the schema pipeline removes the old shape, and nobody goes back then.`,
        ]
      : []),
  ]
}
