/**
 * Scripts for platforms that move releases by themselves (ECS, Lambda, machines with CodeDeploy, Kubernetes), on the infrastructure of
 * this kit: bring a release out and wait for its end, and go back. They fail loudly: a release that the platform took back is no success.
 */
import type { Component, Service } from '../../define/schema.ts'
import { strategyOf } from '../infra/ecs.ts'
import { pascal, snake } from '../infra/model.ts'
import { scheduleNames } from '../infra/schedule.ts'
import { sitesOf } from '../infra/site.ts'
import { commonScript, type Ledger, USES_COMMON } from './common.ts'
import { word } from './release.ts'
import { hasAfterwards, schemaScript } from './schema.ts'
import { siteBack, siteFunctions, sitePublished, siteSwitched } from './site.ts'
import { applyLines, APPLY, stackBack } from './stack.ts'
import { after, AGAIN, before, type Found, head, lookups, RELEASE_ARGUMENT, TAKEN_BACK } from './steps.ts'

export interface PlatformScripts {
  /** What the word "release" means here. */
  readonly release: string
  readonly deploy: readonly string[]
  readonly back: readonly string[]
  /** Shared by the others; empty where nothing says how a release gets out. */
  readonly common: readonly string[]
  /** Steps of the schema; empty: the definition has no migrations. */
  readonly schema: readonly string[]
  /** Something of the schema is left to do when the rollback window has closed. */
  readonly afterwards: boolean
  readonly backNeedsRelease: boolean
  readonly tools: 'none' | 'aws' | 'kubectl'
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
  if (kind === 'static' && isAws && sitesOf(service).length > 0) return files(service)
  return unknown(service)
}

function backSays(service: Service): string {
  return `Takes ${service.service.id} back to the release that is named; ${service.deployment.rollback.maxMinutes} min are promised for it.`
}

/** What goes with the two scripts on every platform that is known. */
function beside(service: Service, ledger: Ledger): Pick<PlatformScripts, 'common' | 'schema' | 'afterwards'> {
  return { common: commonScript(service, ledger), schema: schemaScript(service), afterwards: hasAfterwards(service) }
}

const BUCKET = `bucket="\${CODE_BUCKET:?The bucket of code}"`

const variableOf = (component: Component) => snake(pascal(component.id))

function imagesOnEcs(service: Service): PlatformScripts {
  const components = service.runtime.components.filter(({ kind }) => ['web', 'worker', 'scheduled'].includes(kind))
  const release = 'The tag that its images have in their registries'
  const { id } = service.service
  const found = components.map(
    (component): Found => ({
      parameter: `${pascal(component.id)}ImageDigest`,
      variable: variableOf(component),
      value: `$(digest ${id}/${component.id})`,
      is: '^sha256:',
    }),
  )
  const sites = sitesOf(service)
  const parts = components.map((component) => ({
    name: `${id}-${component.id}`,
    variable: `${variableOf(component)}_now`,
    digest: variableOf(component),
    web: component.kind === 'web' && strategyOf(service, component) !== 'ROLLING',
    // A scheduled run has no service: its schedules name the task definition.
    schedules: component.kind === 'scheduled' ? scheduleNames(service, component) : undefined,
  }))
  const running = parts.filter(({ schedules }) => !schedules)
  const scheduled = parts.filter(({ schedules }) => schedules)
  return {
    release,
    deploy: [
      ...head(
        `Brings a release of ${id} to citizens by ECS, and waits for its end: circuit breaker and alarms take it back.`,
        release,
        ['aws', ...toolOf(service)],
      ),
      ...rights(service, ['ecr:DescribeImages', 'ecs:DescribeServices', 'ecs:DescribeTaskDefinition']),
      '# A tag cannot move in these registries, so it means one image for ever; the infrastructure takes the digest.',
      'digest() { aws ecr describe-images --repository-name "$1" --image-ids "imageTag=$release" --query "imageDetails[0].imageDigest" --output text || true; }',
      ...lookups(found),
      ...(sites.length > 0 ? [BUCKET] : []),
      ...sites.flatMap((site) => [...sitePublished(site), ...siteFunctions(service, site)]),
      ...before(service),
      ...applyLines(service, found),
      ...sites.flatMap((site) => siteSwitched(service, site)),
      '# What each part runs now: the way back names it, and needs no deployment that a ringing alarm or a bake would hold up.',
      ...(running.length > 0 ? clusterLines(service) : []),
      ...running.map(
        ({ name, variable }) =>
          `${variable}="$(aws ecs describe-services --cluster "$cluster" --services ${name} --query 'services[0].taskDefinition' --output text)"`,
      ),
      '# What really runs, and not what a stack believes: after a way back the stack holds the release that went.',
      ...running.map(
        ({ name, variable, digest }) =>
          `[[ "$(aws ecs describe-task-definition --task-definition "$${variable}" --query 'taskDefinition.containerDefinitions[].image' --output text)" == *"@$${digest}"* ]] || stop "${name} runs another image than $release, although its stack is in order. Bring this release out under a new tag." 5`,
      ),
      ...scheduled.map(({ name, variable }) => `${variable}="$(${taskLine(name)})"`),
      ...after(parts.map(({ name, variable }) => ` "${name}=\${${variable}##*/}"`).join('')),
    ],
    back: [
      ...stackBack(service, backSays(service), release),
      ...LEDGER_LINE,
      ...parts.map(({ name, variable }) => `${variable}="$(part ${name})"`),
      ...(running.length > 0
        ? [
            ...clusterLines(service),
            '# At once: no bake, no first share, and no alarm that rings because of the release that goes.',
            ...running.map(
              ({ name, variable, web }) =>
                `aws ecs update-service --cluster "$cluster" --service ${name} --task-definition "$${variable}" --deployment-configuration ${word(BACK_CONFIGURATION(web))} > /dev/null`,
            ),
            `aws ecs wait services-stable --cluster "$cluster" --services ${running.map(({ name }) => name).join(' ')} || stop "$release is on its way back, and not stable after ten minutes: a person must look." 5`,
          ]
        : []),
      ...(scheduled.length > 0 ? SCHEDULE_BACK : []),
      ...scheduled.flatMap(({ schedules, variable }) =>
        schedules!.map(
          (name) =>
            `schedule_to ${name} "$${variable}" || stop "${name} still starts the release that goes: a person must look." 5`,
        ),
      ),
      ...sites.flatMap((site) => [...siteFunctions(service, site), ...siteBack(site)]),
      ...BACK_NOTED,
    ],
    ...beside(service, 'parameter-store'),
    backNeedsRelease: true,
    tools: 'aws',
  }
}

/** Beside each other and switched at once where there are two target groups, else replaced while the rest serves. */
const BACK_CONFIGURATION = (switched: boolean) =>
  `${switched ? 'strategy=BLUE_GREEN,bakeTimeInMinutes=0' : 'strategy=ROLLING'},minimumHealthyPercent=100,maximumPercent=200,deploymentCircuitBreaker={enable=true,rollback=true}`

/** The newest task definition of a family: of this release, when its stack is in order. */
const taskLine = (family: string) =>
  `aws ecs describe-task-definition --task-definition ${family} --query taskDefinition.taskDefinitionArn --output text`

/** A schedule is written as a whole, so it is read, changed in one place and written again. */
const SCHEDULE_BACK = [
  'schedule_to() {',
  `  local task; task="$(${taskLine('"$2"')})" || return`,
  '  aws scheduler get-schedule --name "$1" --output json | node -e \'',
  '    const one = JSON.parse(require("fs").readFileSync(0, "utf8"))',
  '    for (const told of ["Arn", "CreationDate", "LastModificationDate"]) delete one[told]',
  '    one.Target.EcsParameters.TaskDefinitionArn = process.argv[1]',
  `    console.log(JSON.stringify(one))' "$task" > schedule.json || return`,
  '  aws scheduler update-schedule --cli-input-json file://schedule.json > /dev/null',
  '}',
]

/** The cluster stands where the infrastructure was told of it. */
function clusterLines({ service: { id }, tooling }: Service): string[] {
  return [
    tooling.infrastructure === 'terraform'
      ? `cluster="$(sed -n 's/^cluster_arn *= *"\\(.*\\)"/\\1/p' ops/infrastructure/${id}/${APPLY}.auto.tfvars)"`
      : `cluster="$(aws cloudformation describe-stacks --stack-name ${id} --query "Stacks[0].Parameters[?ParameterKey=='ClusterArn'].ParameterValue" --output text)"`,
  ]
}

/** The newest line of the release that is gone back to says what each part of it was. */
const LEDGER_LINE = [
  `was="$(awk -v want="$release" '$2 == "served" && $3 == want { line = $0 } END { print line }' <<< "$ledger")"`,
  'part() {',
  '  local found; found="$(tr " " "\\n" <<< "$was" | sed -n "s|^$1=||p")"',
  '  [ -n "$found" ] || stop "The ledger ($LEDGER) does not say what $1 was in $release. Deploy it as a release: WAY_BACK=yes bash ops/pipeline/deploy.sh $release" 5',
  '  echo "$found"',
  '}',
]

const BACK_NOTED = [
  '# shellcheck disable=SC2046',
  'remember served "$release" $(cut -s -d " " -f 4- <<< "$was") || loud "$release serves again, and could not be written down ($LEDGER)."',
  `log "back to $release, by \${who:-nobody named}: \${REASON:-no reason given}"`,
]

/** What the role must be allowed beside what its tool needs for the infrastructure itself; `ops/pipeline/rollback.sh` names its own calls. */
function rights(service: Service, more: readonly string[]): string[] {
  const site =
    sitesOf(service).length > 0 ? ['s3:PutObject', 'cloudfront:ListDistributions', 'cloudfront:CreateInvalidation'] : []
  const all = ['ssm:GetParameter', 'ssm:PutParameter', 'cloudwatch:DescribeAlarms', ...more, ...site]
  return [`# Its role may, beside changing the infrastructure: ${all.join(', ')}.`]
}

const toolOf = (service: Service) => (service.tooling.infrastructure === 'terraform' ? ['terraform'] : [])

/** An object in a bucket without versions has "None" or "null", and could become another package. */
const VERSION = '^[^[:space:]]{5,}$'

function functions(service: Service): PlatformScripts {
  const components = service.runtime.components.filter(({ kind }) =>
    ['web', 'function', 'worker', 'scheduled'].includes(kind),
  )
  const sites = sitesOf(service)
  const release = 'The folder of its packages in the bucket of code'
  const { id } = service.service
  const found = components.flatMap((component): Found[] => {
    const name = pascal(component.id)
    const variable = variableOf(component)
    const key = `$release/${component.id}.zip`
    return [
      { parameter: `${name}CodeVersion`, variable, value: `$(version "${key}")`, is: VERSION },
      { parameter: `${name}CodeKey`, variable: `${variable}_key`, value: key },
    ]
  })
  // An alias of a function that is called for citizens; a run of its own is moved by the infrastructure as a whole.
  const aliases = components.map((component) => ({
    name: `${id}-${component.id}`,
    variable: `${variableOf(component)}_now`,
    shifted: component.kind !== 'scheduled',
  }))
  const terraform = service.tooling.infrastructure === 'terraform'
  return {
    release,
    deploy: [
      ...head(
        `Brings a release of ${id} to citizens by Lambda, and waits for its end: CodeDeploy moves the aliases, and back on alarm.`,
        release,
        ['aws', ...toolOf(service)],
      ),
      ...rights(service, ['s3:GetObject', 'lambda:GetAlias', 'lambda:GetFunctionConfiguration']),
      BUCKET,
      '# A version of an object can never mean another package.',
      'version() { aws s3api head-object --bucket "$bucket" --key "$1" --query VersionId --output text || true; }',
      ...lookups(found),
      ...sites.flatMap((site) => sitePublished(site)),
      ...sites.flatMap((site) => siteFunctions(service, site)),
      ...before(service),
      ...applyLines(service, found),
      ...(terraform ? aliases.filter(({ shifted }) => shifted).flatMap(({ name }) => shiftLines(name)) : []),
      ...sites.flatMap((site) => siteSwitched(service, site)),
      '# Which version each alias means now: the way back moves the alias, and needs no deployment that a ringing alarm would stop.',
      ...aliases.map(
        ({ name, variable }) =>
          `${variable}="$(aws lambda get-alias --function-name ${name} --name live --query FunctionVersion --output text)"`,
      ),
      '# What really runs, and not what a stack believes: after a way back the stack holds the release that went.',
      ...aliases.map(
        ({ name }) =>
          `[ "$(${sumLine(name)})" = "$(${sumLine(name)} --qualifier live)" ] || stop "${name} answers with other code than $release, although its stack is in order. Bring this release out with a new package." 5`,
      ),
      ...after(aliases.map(({ name, variable }) => ` "${name}=$${variable}"`).join('')),
    ],
    back: [
      ...stackBack(service, backSays(service), release),
      ...LEDGER_LINE,
      ...aliases.map(({ name, variable }) => `${variable}="$(part ${name})"`),
      ...aliases.flatMap(({ name, variable }) => [
        `aws lambda update-alias --function-name ${name} --name live --function-version "$${variable}" --routing-config "AdditionalVersionWeights={}" > /dev/null`,
      ]),
      ...sites.flatMap((site) => [...siteFunctions(service, site), ...siteBack(site)]),
      ...BACK_NOTED,
    ],
    ...beside(service, 'parameter-store'),
    backNeedsRelease: true,
    tools: 'aws',
  }
}

const sumLine = (name: string) =>
  `aws lambda get-function-configuration --function-name ${name} --query CodeSha256 --output text`

/** A site and nothing else. */
function files(service: Service): PlatformScripts {
  const sites = sitesOf(service)
  const release = 'The folder of its files in the bucket of code'
  const { id } = service.service
  return {
    release,
    deploy: [
      ...head(
        `Brings a release of ${id} to citizens by one path in CloudFront, watches it, and takes it back on alarm.`,
        release,
        ['aws', ...toolOf(service)],
      ),
      BUCKET,
      ...sites.flatMap((site) => sitePublished(site)),
      ...sites.flatMap((site) => siteFunctions(service, site)),
      ...before(service),
      `trap 'printf "{\\"release\\":\\"%s\\",\\"exit\\":%d}\\n" "$release" "$?" > deployment.json' EXIT`,
      ...sites.flatMap((site) => siteSwitched(service, site)),
      ...after(),
    ],
    back: [
      `# ${backSays(service)}`,
      ...USES_COMMON,
      ...RELEASE_ARGUMENT(release),
      'needs aws',
      'at_target',
      'read_ledger',
      'may_return "$release"',
      ...sites.flatMap((site) => [...siteFunctions(service, site), ...siteBack(site)]),
      'remember served "$release" || loud "$release serves again, and could not be written down ($LEDGER)."',
      `log "back to $release, by \${who:-nobody named}: \${REASON:-no reason given}"`,
    ],
    ...beside(service, 'parameter-store'),
    backNeedsRelease: true,
    tools: 'aws',
  }
}

/** Terraform publishes a version and leaves the alias alone; CodeDeploy moves it, a share of the calls first. */
function shiftLines(name: string): string[] {
  const spec = `{"version":0.0,"Resources":[{"fn":{"Type":"AWS::Lambda::Function","Properties":{"Name":"${name}","Alias":"live","CurrentVersion":"%s","TargetVersion":"%s"}}}]}`
  return [
    `old="$(aws lambda get-alias --function-name ${name} --name live --query FunctionVersion --output text)"`,
    `new="$(aws lambda list-versions-by-function --function-name ${name} --query 'Versions[-1].Version' --output text)"`,
    'if [ "$old" != "$new" ]; then',
    `  printf -v spec '${spec}' "$old" "$new"`,
    `  id="$(aws deploy create-deployment --application-name ${name} --deployment-group-name ${name} --revision "$(node -p 'JSON.stringify({ revisionType: "AppSpecContent", appSpecContent: { content: process.argv[1] } })' "$spec")" --query deploymentId --output text)"`,
    ...deploymentEnd().map((line) => `  ${line}`),
    'fi',
  ]
}

/** CodeDeploy's own waiter gives up after half an hour; old machines are kept for longer. */
function deploymentEnd(): string[] {
  return [
    'while :; do',
    '  state="$(aws deploy get-deployment --deployment-id "$id" --query deploymentInfo.status --output text)"',
    '  case "$state" in Succeeded) break ;; Failed | Stopped)',
    `    ${TAKEN_BACK}`,
    '    stop "$release did not come out (deployment $id: $state), and was taken back." 4 ;;',
    '  esac',
    '  # On the way back every citizen has moved when only the old machines are waited for.',
    `  if [ "\${WAY_BACK:-no}" = yes ] && [ "$(aws deploy get-deployment --deployment-id "$id" --query deploymentInfo.instanceTerminationWaitTimeStarted --output text)" = True ]; then break; fi`,
    `  sleep "\${POLL_SECONDS:-15}"`,
    'done',
  ]
}

function machines(service: Service, web: Component): PlatformScripts {
  const name = `${service.service.id}-${web.id}`
  const group = `--application-name ${name} --deployment-group-name ${name}`
  const sites = sitesOf(service)
  const release = 'The name of its bundle in the bucket of code, without .zip'
  return {
    release,
    deploy: [
      ...head(
        `Brings a release of ${name} to the machines by CodeDeploy, and waits for its end: a failure or an alarm takes it back.`,
        release,
        ['aws'],
      ),
      BUCKET,
      'aws s3api head-object --bucket "$bucket" --key "$release.zip" > /dev/null || stop "There is no such release: $release. Nothing was changed."',
      ...sites.flatMap((site) => [...sitePublished(site), ...siteFunctions(service, site)]),
      ...before(service),
      '# An alarm that rings already would stop the very release that is to silence it.',
      `if [ "\${WAY_BACK:-no}" = yes ] || [ -n "\${ringing:-}" ]; then alarms=(--override-alarm-configuration enabled=false); else alarms=(); fi`,
      `id="$(aws deploy create-deployment ${group} "\${alarms[@]}" --s3-location "bucket=$bucket,key=$release.zip,bundleType=zip" --query deploymentId --output text)"`,
      `trap 'aws deploy get-deployment --deployment-id "$id" > deployment.json' EXIT`,
      ...deploymentEnd(),
      ...sites.flatMap((site) => siteSwitched(service, site)),
      ...after(),
    ],
    back: [
      `# ${backSays(service)}`,
      ...USES_COMMON,
      ...RELEASE_ARGUMENT(release),
      'needs aws',
      'at_target',
      `id="$(aws deploy list-deployments ${group} --include-only-statuses Created Queued InProgress Ready --query 'deployments[0]' --output text)"`,
      'if [ "$id" != None ]; then',
      '  aws deploy stop-deployment --deployment-id "$id" --auto-rollback-enabled',
      `  log "the release that was on its way was called off, by \${who:-nobody named}: \${REASON:-no reason given}"`,
      '  exit 0',
      'fi',
      AGAIN,
    ],
    ...beside(service, 'parameter-store'),
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
        `Brings a release of ${name} to the cluster, and waits until all of its pods serve; takes it back when they do not.`,
        release,
        ['kubectl'],
      ),
      ...service.runtime.components
        .filter(({ kind, image }) => kind === 'worker' && image !== undefined)
        .map(({ id }) => `# ${id} has no file in this kit: it goes out by its own means, not by this script.`),
      ...sitesOf(service).map(
        ({ id }) =>
          `# ${id} is made of files, and this kit serves files on AWS only: it goes out by its own means, not by this script.`,
      ),
      '[[ "$release" =~ ^sha256:[0-9a-f]{64}$ ]] || stop "A release is named by the digest of its image. Nothing was changed." 2',
      ...before(service),
      `trap 'kubectl get deployment ${name} -o json > deployment.json' EXIT`,
      `sed "s|@sha256:[0-9a-f]*|@$release|" ops/infrastructure/${web.id}.yaml | kubectl apply -f - || { ${TAKEN_BACK}; stop "The cluster did not take it. Nothing was moved." 3; }`,
      `# All batches fit into half of ${maxMinutes} min; the other half is patience.`,
      `if ! ${wait}; then`,
      `  kubectl rollout undo deployment/${name} || stop "$release did not come up, and there is no release before it to go back to: a person must look." 5`,
      `  ${wait} || stop "$release did not come up, and going back is not done either: a person must look." 5`,
      `  ${TAKEN_BACK}`,
      '  stop "The release did not come up. Citizens are on the one before." 4',
      'fi',
      ...after(),
    ],
    back: [
      `# Takes ${name} back to the release before; ${maxMinutes} min are promised for it.`,
      ...USES_COMMON,
      'needs kubectl',
      'at_target',
      'read_ledger',
      `if [[ "$(settled | tail -n 1)" == *" contract"* ]] && [ -z "\${BREAK_GLASS:-}" ]; then`,
      '  stop "The database has lost what the release before needs ($LEDGER). Go forward with a release on the one that serves; who knows better: BREAK_GLASS=\\"why\\". Nothing was changed."',
      'fi',
      `kubectl rollout undo deployment/${name}`,
      `${wait} || stop "Going back is not done: a person must look." 5`,
      `now="$(kubectl get deployment ${name} -o 'jsonpath={.spec.template.spec.containers[0].image}')"`,
      `remember served "\${now##*@}" || loud "\${now##*@} serves again, and could not be written down ($LEDGER)."`,
      `log "back to \${now##*@}, by \${who:-nobody named}: \${REASON:-no reason given}"`,
    ],
    ...beside(service, 'config-map'),
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
    common: [],
    schema: [],
    afterwards: false,
    backNeedsRelease: true,
    tools: 'none',
  }
}
