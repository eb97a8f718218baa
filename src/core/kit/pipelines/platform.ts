/**
 * Scripts for platforms that move releases by themselves (ECS, Lambda, machines with CodeDeploy, Kubernetes), on the infrastructure of
 * this kit: bring a release out and wait for its end, and go back. They fail loudly: a release that the platform took back is no success.
 */
import type { Component, Service } from '../../define/schema.ts'
import { pascal, snake } from '../infra/model.ts'
import { HOLDFAST, word } from './release.ts'

export interface PlatformScripts {
  /** What the word "release" means here. */
  readonly release: string
  readonly deploy: readonly string[]
  readonly back: readonly string[]
  readonly backNeedsRelease: boolean
  readonly tools: 'none' | 'aws' | 'kubectl'
}

/** A value of the release that the infrastructure takes as a parameter: how it is found, and the parameter's name. */
interface Found {
  readonly parameter: string
  readonly variable: string
  /** What a shell puts between double quotes. */
  readonly value: string
}

export function platformScripts(service: Service): PlatformScripts {
  const { kind } = service.runtime
  const aws = service.tooling.infrastructure
  const isAws = aws === 'cloudformation' || aws === 'terraform' || aws === 'cdk'
  const web = service.runtime.components.find((component) => component.kind === 'web')
  if (kind === 'ecs' && isAws) return imagesOnEcs(service)
  if (kind === 'lambda' && isAws) return functions(service)
  if (kind === 'ec2' && isAws && web) return machines(service, web)
  if (kind === 'kubernetes' && web) return pods(service, web)
  return unknown(service)
}

const APPLY = 'production'

/** The release before is a release like any other, outside of every window too. */
const AGAIN = 'WAY_BACK=yes exec bash ops/pipeline/deploy.sh "${1:?Which release served before?}"'

function head(service: Service, says: string, release: string): string[] {
  const production = service.environments.find((environment) => environment.kind === 'production')
  const { migrations } = service
  return [
    `# ${says}`,
    ...(migrations
      ? [
          `# Schema changes in ${migrations.folder} (${migrations.tool}) go first, as a step of their own: this script makes none.`,
        ]
      : []),
    'set -euo pipefail',
    `release="\${1:?Which release? ${release}}"`,
    ...targetLines(production?.account),
    'mkdir -p evidence',
    `echo "$(date -u +%FT%TZ) release $release, by \${WHO:-nobody named}: \${REASON:-no reason given}" >> evidence/releases.txt`,
    '# The gates took their time: is the window still open? The way back needs none.',
    `if [ "\${WAY_BACK:-no}" = no ]; then ${HOLDFAST} deploy window --json > evidence/window.json; fi`,
  ]
}

/** Nothing that was tested helps when the right release goes to the wrong place. */
function targetLines(account: string | undefined): string[] {
  if (account === undefined) return []
  const isNumber = /^\d{12}$/.test(account)
  return [
    ...(isNumber
      ? ['here="$(aws sts get-caller-identity --query Account --output text)"']
      : [
          '# The machine says where it is, never this repository: HOLDFAST_ACCOUNT is set where the pipeline runs.',
          'here="${HOLDFAST_ACCOUNT:-unknown}"',
        ]),
    `if [ "$here" != ${word(account)} ]; then echo "This is $here, and ${account.replaceAll(/["$`\\]/g, '')} is meant. Nothing was changed." >&2; exit 1; fi`,
  ]
}

/** Finds out each value, and hands all of them to the tool that applies the infrastructure. */
function applyLines(service: Service, found: readonly Found[]): string[] {
  const { id } = service.service
  const folder = 'ops/infrastructure'
  const lookups = found.map(({ variable, value }) => `${variable}="${value}"`)
  const record = `aws cloudformation describe-stack-events --stack-name ${id} --max-items 200 > deployment.json`
  switch (service.tooling.infrastructure) {
    case 'terraform':
      return [
        ...lookups,
        `terraform -chdir=${folder}/${id} init -input=false`,
        // The state may hold secrets, so it is no evidence.
        `trap 'printf "{\\"release\\":\\"%s\\",\\"exit\\":%d}\\n" "$release" "$?" > deployment.json' EXIT`,
        `# What else the configuration asks for stands in ${folder}/${id}/${APPLY}.auto.tfvars.`,
        `terraform -chdir=${folder}/${id} apply -input=false -auto-approve -lock-timeout=5m${found.map(({ parameter, variable }) => ` -var "${snake(parameter)}=$${variable}"`).join('')}`,
      ]
    case 'cdk':
      return [
        ...lookups,
        `trap '${record}' EXIT`,
        '# Parameters that are not named here keep their values.',
        `(cd ${folder} && npx cdk deploy ${id} --require-approval never${found.map(({ parameter, variable }) => ` --parameters "${id}:${parameter}=$${variable}"`).join('')})`,
      ]
    default:
      return [
        ...lookups,
        `trap '${record}' EXIT`,
        '# Parameters that are not named here keep their values. A stack that went back to the release before fails this command.',
        `aws cloudformation deploy --stack-name ${id} --template-file ${folder}/${id}.template.yml --no-fail-on-empty-changeset --parameter-overrides${found.map(({ parameter, variable }) => ` "${parameter}=$${variable}"`).join('')}`,
      ]
  }
}

/** While the stack still changes, it is called off; after that, the release before is a release like any other. */
function stackBack(service: Service, says: string): string[] {
  const { id } = service.service
  const again = [AGAIN]
  if (service.tooling.infrastructure === 'terraform') return [`# ${says}`, 'set -euo pipefail', ...again]
  return [
    `# ${says}`,
    'set -euo pipefail',
    `state="$(aws cloudformation describe-stacks --stack-name ${id} --query 'Stacks[0].StackStatus' --output text)"`,
    'if [ "$state" = UPDATE_IN_PROGRESS ]; then',
    `  aws cloudformation cancel-update-stack --stack-name ${id}`,
    `  aws cloudformation wait stack-rollback-complete --stack-name ${id}`,
    '  exit 0',
    'fi',
    ...again,
  ]
}

function backSays(service: Service): string {
  return `Takes ${service.service.id} back to the release that is named; ${service.deployment.rollback.maxMinutes} min are promised for it.`
}

const variableOf = (component: Component) => snake(pascal(component.id))

function imagesOnEcs(service: Service): PlatformScripts {
  const components = service.runtime.components.filter(({ kind }) => ['web', 'worker', 'scheduled'].includes(kind))
  const release = 'The tag that its images have in their registries'
  const { id } = service.service
  return {
    release,
    deploy: [
      ...head(
        service,
        `Brings a release of ${id} to citizens by ECS, and waits for its end: circuit breaker and alarms take it back.`,
        release,
      ),
      '# A tag cannot move in these registries, so it means one image for ever; the infrastructure takes the digest.',
      'digest() { aws ecr describe-images --repository-name "$1" --image-ids "imageTag=$release" --query "imageDetails[0].imageDigest" --output text; }',
      ...applyLines(
        service,
        components.map((component) => ({
          parameter: `${pascal(component.id)}ImageDigest`,
          variable: variableOf(component),
          value: `$(digest ${id}/${component.id})`,
        })),
      ),
    ],
    back: stackBack(service, backSays(service)),
    backNeedsRelease: true,
    tools: 'aws',
  }
}

function functions(service: Service): PlatformScripts {
  const components = service.runtime.components.filter(({ kind }) =>
    ['web', 'function', 'worker', 'scheduled'].includes(kind),
  )
  const still = service.runtime.components.filter(({ kind }) => kind === 'static')
  const release = 'The folder of its packages in the bucket of code'
  const { id } = service.service
  return {
    release,
    deploy: [
      ...head(
        service,
        `Brings a release of ${id} to citizens by Lambda, and waits for its end: CodeDeploy moves the aliases, and back on alarm.`,
        release,
      ),
      ...still.map(
        ({ id: file }) => `# ${file} is made of files: it is published by its own means, not by this script.`,
      ),
      'bucket="${CODE_BUCKET:?The bucket of code}"',
      '# A version of an object can never mean another package.',
      'version() { aws s3api head-object --bucket "$bucket" --key "$1" --query VersionId --output text; }',
      ...applyLines(
        service,
        components.flatMap((component): Found[] => {
          const name = pascal(component.id)
          const variable = variableOf(component)
          const key = `$release/${component.id}.zip`
          return [
            { parameter: `${name}CodeVersion`, variable, value: `$(version "${key}")` },
            { parameter: `${name}CodeKey`, variable: `${variable}_key`, value: key },
          ]
        }),
      ),
    ],
    back: stackBack(service, backSays(service)),
    backNeedsRelease: true,
    tools: 'aws',
  }
}

function machines(service: Service, web: Component): PlatformScripts {
  const name = `${service.service.id}-${web.id}`
  const group = `--application-name ${name} --deployment-group-name ${name}`
  const release = 'The name of its bundle in the bucket of code, without .zip'
  return {
    release,
    deploy: [
      ...head(
        service,
        `Brings a release of ${name} to the machines by CodeDeploy, and waits for its end: a failure or an alarm takes it back.`,
        release,
      ),
      'bucket="${CODE_BUCKET:?The bucket of code}"',
      `id="$(aws deploy create-deployment ${group} --s3-location "bucket=$bucket,key=$release.zip,bundleType=zip" --query deploymentId --output text)"`,
      `trap 'aws deploy get-deployment --deployment-id "$id" > deployment.json' EXIT`,
      'aws deploy wait deployment-successful --deployment-id "$id"',
    ],
    back: [
      `# ${backSays(service)}`,
      'set -euo pipefail',
      `id="$(aws deploy list-deployments ${group} --include-only-statuses Created Queued InProgress Ready --query 'deployments[0]' --output text)"`,
      'if [ "$id" != None ]; then aws deploy stop-deployment --deployment-id "$id" --auto-rollback-enabled; exit 0; fi',
      AGAIN,
    ],
    backNeedsRelease: true,
    tools: 'aws',
  }
}

function pods(service: Service, web: Component): PlatformScripts {
  const name = `${service.service.id}-${web.id}`
  const { maxMinutes } = service.deployment.rollback
  const release = 'The digest of its image: sha256 and 64 digits'
  const wait = `kubectl rollout status deployment/${name} --timeout=${maxMinutes}m`
  return {
    release,
    deploy: [
      ...head(
        service,
        `Brings a release of ${name} to the cluster, and waits until all of its pods serve; takes it back when they do not.`,
        release,
      ),
      ...service.runtime.components
        .filter(({ kind, image }) => kind === 'worker' && image !== undefined)
        .map(({ id }) => `# ${id} has no file in this kit: it goes out by its own means, not by this script.`),
      'if ! [[ "$release" =~ ^sha256:[0-9a-f]{64}$ ]]; then echo "A release is named by the digest of its image." >&2; exit 2; fi',
      `trap 'kubectl get deployment ${name} -o json > deployment.json' EXIT`,
      `sed "s|@sha256:[0-9a-f]*|@$release|" ops/infrastructure/${web.id}.yaml | kubectl apply -f -`,
      `# All batches fit into half of ${maxMinutes} min; the other half is patience.`,
      `if ! ${wait}; then`,
      `  kubectl rollout undo deployment/${name}`,
      `  ${wait}`,
      '  echo "The release did not come up. Citizens are on the one before." >&2',
      '  exit 4',
      'fi',
    ],
    back: [
      `# Takes ${name} back to the release before; ${maxMinutes} min are promised for it.`,
      'set -euo pipefail',
      `kubectl rollout undo deployment/${name}`,
      wait,
    ],
    backNeedsRelease: false,
    tools: 'kubectl',
  }
}

/** Nothing is invented: a pipeline that does not know how to deploy must not pretend that it did. */
function unknown(service: Service): PlatformScripts {
  const { id } = service.service
  const says = (what: string) => [
    `# The definition runs ${id} on "${service.runtime.kind}" with infrastructure "${service.tooling.infrastructure}": nothing here tells how ${what}.`,
    '# Write a file of your own over this one, marks and all: a later run of holdfast kit leaves it as it is then.',
    'set -euo pipefail',
    `echo "Nothing says how ${what}." >&2`,
    'exit 1',
  ]
  return {
    release: 'The release to deploy',
    deploy: says('a release is brought to citizens'),
    back: says('a release is taken back'),
    backNeedsRelease: true,
    tools: 'none',
  }
}
