/** CodePipeline and CodeBuild in CloudFormation: window and gates side by side, approval, production with evidence; a second one goes back. */
import type { Service } from '../../define/schema.ts'
import { cloudformationText } from '../infra/cloudformation.ts'
import { noted, type Parameter, pascal, type Props, raw, ref, type Resource, type Value } from '../infra/model.ts'
import {
  AROUND_MINUTES,
  deployMinutes,
  minutesOf,
  type PipelineGate,
  pipelineGates,
  preparationOf,
  shellOf,
} from './gates.ts'
import { HOLDFAST, productionOf, word } from './release.ts'
import { type Way, wayOf } from './way.ts'

/** CodeBuild accepts 5 to 2,160 minutes (AWS::CodeBuild::Project, TimeoutInMinutes). */
const MINUTES = { least: 5, most: 2_160 } as const

export function codePipeline(service: Service): string {
  const { id, name } = service.service
  return cloudformationText({
    name: `${id}-pipeline`,
    description: `Release of "${name}": the window and every gate before production, and the way back`,
    ...(wayOf(service).ours
      ? {
          notes: [
            'Holdfast moves releases on the machine where they run, and CodeBuild is no such machine: give window, production and rollback a fleet of their own there, or use another pipeline.',
          ],
        }
      : {}),
    parameters: parameters(service),
    resources: [
      ...projects(service),
      ...releasePipelines(service),
      rollbackPipeline(service),
      ...schemaPipeline(service),
    ],
  })
}

function parameters(service: Service): Parameter[] {
  const way = wayOf(service)
  return [
    { name: 'ConnectionArn', type: 'String', says: 'Connection to the repository' },
    { name: 'Repository', type: 'String', says: 'Owner and name, as owner/name' },
    { name: 'Branch', type: 'String', says: 'Branch that is released', value: 'main' },
    {
      name: 'ArtifactBucket',
      type: 'String',
      says: 'Bucket for what passes from stage to stage, and for the evidence',
    },
    { name: 'PipelineRoleArn', type: 'String', says: 'Role of the pipelines' },
    {
      name: 'BuildRoleArn',
      type: 'String',
      says: 'Role of the gates: reads the source, writes logs, and evidence into the bucket',
    },
    { name: 'DeployRoleArn', type: 'String', says: 'Role of the deployment' },
    {
      name: 'Account',
      type: 'String',
      says: 'The account that this stack is made in, by the name that service.yaml has',
    },
    ...(way.ours
      ? [
          {
            name: 'DatabaseSecret',
            type: 'String',
            says: 'Name of the secret that holds DATABASE_URL of Holdfast',
          } satisfies Parameter,
        ]
      : []),
    ...way.buckets.map(
      (name): Parameter => ({
        name: pascal(name.toLowerCase()),
        type: 'String',
        says: name === 'CODE_BUCKET' ? 'Bucket of the packages' : 'Bucket of the files of a site',
      }),
    ),
    ...(way.tools === 'kubectl'
      ? [
          {
            name: 'ClusterSecret',
            type: 'String',
            says: 'Name of the secret that holds the kubeconfig',
          } satisfies Parameter,
        ]
      : []),
    ...(way.databaseEnv
      ? ([
          { name: secretOf(way.databaseEnv), type: 'String', says: `Name of the secret that holds ${way.databaseEnv}` },
          { name: 'DatabaseVpc', type: 'AWS::EC2::VPC::Id', says: 'Network from which the database is reached' },
          { name: 'DatabaseSubnets', type: 'List<AWS::EC2::Subnet::Id>', says: 'Private subnets with a way out' },
          {
            name: 'DatabaseClients',
            type: 'List<AWS::EC2::SecurityGroup::Id>',
            says: 'What may reach the database',
          },
        ] satisfies Parameter[])
      : []),
    ...[...new Set([...way.serviceEnv, ...pipelineGates(service).flatMap((gate) => gate.secretEnv)])].map(
      (variable): Parameter => ({
        name: secretOf(variable),
        type: 'String',
        says: `Name of the secret that holds ${variable} for ${way.serviceEnv.includes(variable) ? 'what Holdfast starts' : 'the gates'}`,
      }),
    ),
    ...(way.people > 0 || !way.ours
      ? [
          {
            name: 'ApprovalTopicArn',
            type: 'String',
            says: 'Tells approvers; never the person who started it',
          } satisfies Parameter,
        ]
      : []),
  ]
}

/** Who started it, by CodePipeline's own record: the initiator of a build is only the pipeline. */
const WHO = `export WHO="$(aws codepipeline list-pipeline-executions --pipeline-name "\${CODEBUILD_INITIATOR#codepipeline/}" --query "pipelineExecutionSummaries[?pipelineExecutionId=='$EXECUTION'].trigger.triggerDetail" --output text)"`

const WHO_AGREED = [
  WHO,
  `export AGREED="$(aws codepipeline list-action-executions --pipeline-name "\${CODEBUILD_INITIATOR#codepipeline/}" --filter "pipelineExecutionId=$EXECUTION" --query "actionExecutionDetails[?input.actionTypeId.category=='Approval' && status=='Succeeded'].updatedBy" --output text)"`,
]

interface Build {
  readonly id: string
  readonly resource: string
  readonly commands: readonly string[]
  readonly minutes: number
  readonly why: string
  readonly deploys?: boolean
  /** Files and folders that are evidence. */
  readonly keeps?: readonly string[]
  /** Variables from outside, by the parameter that names their secret. */
  readonly secrets?: readonly string[]
  /** Changes the schema: reaches the database. */
  readonly schema?: boolean
  /** Runs although a command has failed. */
  readonly finally?: readonly string[]
}

function projects(service: Service): Resource[] {
  const way = wayOf(service)
  // Our releases are named by the commit; what a platform calls a release is said by whoever starts it.
  const release = way.ours ? '"$CODEBUILD_RESOLVED_SOURCE_VERSION"' : '"$RELEASE"'
  const by = '"$CODEBUILD_INITIATOR"'
  const cluster =
    way.tools === 'kubectl'
      ? [
          `install -m 0600 /dev/null /tmp/kubeconfig && printf '%s' "$CLUSTER" > /tmp/kubeconfig`,
          'export KUBECONFIG=/tmp/kubeconfig',
        ]
      : []
  const deploying = deployMinutes(service)
  const { maxMinutes } = service.deployment.rollback
  const builds: Build[] = [
    {
      id: 'window',
      resource: 'Window',
      deploys: true,
      minutes: 2 * AROUND_MINUTES,
      why: `is the window open${way.ours ? ', is no other deployment under way, can the schema go back' : ''}`,
      commands: ['npm ci', `${HOLDFAST} define`, `${HOLDFAST} check .`, way.plan(release, by)],
    },
    ...pipelineGates(service).map(
      (gate): Build => ({
        id: gate.id,
        resource: gateResource(gate),
        minutes: minutesOf(gate) + AROUND_MINUTES,
        why: `${gate.pass ?? `the gate ${gate.id}`}: ${minutesOf(gate)} min, and ${AROUND_MINUTES} for what it needs`,
        commands: [...[preparationOf(gate) ?? []].flat(), shellOf(gate)],
        secrets: gate.secretEnv,
        ...(gate.report ? { keeps: [gate.report] } : {}),
      }),
    ),
    {
      id: 'production',
      resource: 'Production',
      deploys: true,
      minutes: deploying.minutes,
      why: `${deploying.says}. ${way.ours ? 'Exit 4: taken back, citizens are on the old release. Exit 5: a person is needed. Both fail the stage' : 'Anything but 0 fails the stage: it was taken back, or nothing was changed'}`,
      commands: ['npm ci', ...cluster, ...(way.ours ? [] : WHO_AGREED), way.start(release, '"$REASON"', by)],
      schema: true,
      finally: [...way.evidence, ...(way.status ? [way.status] : [])],
      keeps: ['deployment.json', 'evidence'],
    },
    {
      id: 'rollback',
      resource: 'Rollback',
      deploys: true,
      minutes: maxMinutes,
      why: `${maxMinutes} min are promised for the way back`,
      commands: [
        'npm ci',
        ...cluster,
        ...(way.ours ? [] : [WHO]),
        way.back(way.backNeedsRelease ? release : '', '"$REASON"', by).trimEnd(),
      ],
      finally: way.status ? [way.status] : [],
      keeps: ['evidence'],
    },
    ...(way.schema
      ? [
          {
            id: 'schema',
            resource: 'Schema',
            deploys: true,
            schema: true,
            minutes: way.schema.minutes + AROUND_MINUTES,
            why: `old data, the old shape and the proof: ${way.schema.minutes} min at most, and ${AROUND_MINUTES} for what it needs`,
            commands: ['npm ci', ...cluster, WHO, way.schema.run('"$RELEASE"')],
            keeps: ['evidence'],
          } satisfies Build,
        ]
      : []),
  ]
  return builds.map((build) => projectOf(service, build))
}

/** Parameter with the name of the secret of a variable that a gate needs. */
const secretOf = (variable: string) => `${pascal(variable.toLowerCase())}Secret`

const gateResource = (gate: PipelineGate) => `Gate${pascal(gate.id)}`

type Secret = (name: string, parameter: string) => Props

/** Where this runs is said by whoever makes the stack, never by a file that travels with the code. */
function surroundings(service: Service, way: Way, secret: Secret): Props[] {
  const plain = (Name: string, Value: Value): Props => ({ Name, Type: 'PLAINTEXT', Value })
  return [
    plain('HOLDFAST_ENVIRONMENT', productionOf(service)),
    plain('HOLDFAST_ACCOUNT', ref('Account')),
    ...(way.ours ? [secret('DATABASE_URL', 'DatabaseSecret')] : []),
    ...way.serviceEnv.map((name) => secret(`SERVICE_${name}`, secretOf(name))),
    ...way.buckets.map((name) => plain(name, ref(pascal(name.toLowerCase())))),
    ...(way.tools === 'kubectl' ? [secret('CLUSTER', 'ClusterSecret')] : []),
  ]
}

function projectOf(service: Service, build: Build): Resource {
  const way = wayOf(service)
  const secret: Secret = (Name, parameter) => ({ Name, Type: 'SECRETS_MANAGER', Value: ref(parameter) })
  const secrets = [
    ...(build.keeps
      ? [{ Name: 'EVIDENCE_BUCKET', Type: 'PLAINTEXT', Value: ref('ArtifactBucket') } satisfies Props]
      : []),
    ...(build.deploys ? surroundings(service, way, secret) : []),
    ...(build.schema && way.databaseEnv ? [secret(way.databaseEnv, secretOf(way.databaseEnv))] : []),
    ...(build.secrets ?? []).map((name) => secret(name, secretOf(name))),
  ]
  const minutes = Math.max(MINUTES.least, Math.min(MINUTES.most, build.minutes))
  return {
    id: build.resource,
    type: 'AWS::CodeBuild::Project',
    props: {
      Name: `${service.service.id}-${build.id}`,
      ServiceRole: ref(build.deploys ? 'DeployRoleArn' : 'BuildRoleArn'),
      Artifacts: { Type: 'CODEPIPELINE' },
      Environment: {
        Type: 'LINUX_CONTAINER',
        ComputeType: 'BUILD_GENERAL1_MEDIUM',
        Image: 'aws/codebuild/standard:7.0',
        ...(secrets.length > 0 ? { EnvironmentVariables: secrets } : {}),
      },
      TimeoutInMinutes: noted(
        minutes,
        minutes < build.minutes ? `${build.why}; CodeBuild waits ${MINUTES.most} min at most` : build.why,
      ),
      ...(build.id === 'production' ? { ConcurrentBuildLimit: 1 } : {}),
      ...(build.schema && way.databaseEnv
        ? {
            VpcConfig: {
              VpcId: ref('DatabaseVpc'),
              Subnets: ref('DatabaseSubnets'),
              SecurityGroupIds: ref('DatabaseClients'),
            },
          }
        : {}),
      Source: { Type: 'CODEPIPELINE', BuildSpec: buildSpec(service, build) },
    },
  }
}

/** Kept whatever became of the build: CodePipeline keeps nothing of one that failed, and that is the one people ask about. */
function keepLine(service: Service, keeps: readonly string[]): string {
  const to = `"s3://$EVIDENCE_BUCKET/evidence/${service.service.id}/\${CODEBUILD_BUILD_ID##*:}/$one"`
  const copy = (recursive: string) => `aws s3 cp ${recursive}--only-show-errors "$one" ${to}`
  return `for one in ${keeps.map(word).join(' ')}; do if [ -d "$one" ]; then ${copy('--recursive ')}; elif [ -e "$one" ]; then ${copy('')}; fi; done`
}

function buildSpec(service: Service, { commands, keeps, finally: last = [] }: Build): string {
  const always = [...last, ...(keeps ? [keepLine(service, keeps)] : [])]
  const usesNode = [...commands, ...last].some((command) => /\b(npm|npx|node)\b/.test(command))
  return [
    'version: 0.2',
    'phases:',
    ...(usesNode ? ['  install:', '    runtime-versions: { nodejs: 22 }'] : []),
    '  build:',
    '    commands:',
    ...commands.map((command) => `      - ${JSON.stringify(command)}`),
    ...(always.length > 0 ? ['    finally:', ...always.map((command) => `      - ${JSON.stringify(command)}`)] : []),
  ].join('\n')
}

/** What the person who started it has said, handed over as environment variables. */
type Told = Readonly<Record<string, string>>

function action(name: string, project: string, told: Told, order = 1): Props {
  return {
    Name: name,
    ActionTypeId: { Category: 'Build', Owner: 'AWS', Provider: 'CodeBuild', Version: '1' },
    Configuration: raw({
      ProjectName: ref(project),
      ...(Object.keys(told).length > 0
        ? {
            EnvironmentVariables: JSON.stringify(
              Object.entries(told).map(([variable, value]) => ({ name: variable, value, type: 'PLAINTEXT' })),
            ),
          }
        : {}),
    }),
    InputArtifacts: [{ Name: 'source' }],
    RunOrder: order,
  }
}

function sourceStage(): Props {
  return {
    Name: 'Source',
    Actions: [
      {
        Name: 'repository',
        ActionTypeId: { Category: 'Source', Owner: 'AWS', Provider: 'CodeStarSourceConnection', Version: '1' },
        Configuration: raw({
          ConnectionArn: ref('ConnectionArn'),
          FullRepositoryId: ref('Repository'),
          BranchName: ref('Branch'),
          DetectChanges: 'false',
        }),
        OutputArtifacts: [{ Name: 'source' }],
        RunOrder: 1,
      },
    ],
  }
}

/** How much may be left out: nothing, the window when more people agree, or window and people. */
type Haste = 'none' | 'emergency' | 'break-glass'

const VARIABLES: Readonly<Record<'Reason' | 'Release' | 'Emergency' | 'BreakGlass', Props>> = {
  Reason: { Name: 'Reason', DefaultValue: 'not given', Description: 'Why, in one sentence' },
  // These have no default: whoever starts the pipeline says them.
  Release: { Name: 'Release' },
  Emergency: { Name: 'Emergency', Description: 'Why it cannot wait for the window' },
  BreakGlass: { Name: 'BreakGlass', Description: 'Why nobody can be asked' },
}

const HASTE = { none: [], emergency: ['Emergency'], 'break-glass': ['BreakGlass'] } as const
const ENVIRONMENT = { Reason: 'REASON', Release: 'RELEASE', Emergency: 'EMERGENCY', BreakGlass: 'BREAK_GLASS' } as const

type Said = keyof typeof VARIABLES

function saidOf(way: Way, haste: Haste = 'none'): readonly Said[] {
  return ['Reason', ...(way.ours ? [] : (['Release'] as const)), ...HASTE[haste]]
}

function told(said: readonly Said[]): Told {
  return {
    ...Object.fromEntries(said.map((one) => [ENVIRONMENT[one], `#{variables.${one}}`])),
    EXECUTION: '#{codepipeline.PipelineExecutionId}',
  }
}

function pipeline(
  service: Service,
  { id, suffix, mode, said }: { id: string; suffix: string; mode: Value; said: readonly Said[] },
  stages: readonly Props[],
): Resource {
  const { release } = wayOf(service)
  return {
    id,
    type: 'AWS::CodePipeline::Pipeline',
    props: {
      Name: `${service.service.id}-${suffix}`,
      PipelineType: 'V2',
      ExecutionMode: mode,
      RoleArn: ref('PipelineRoleArn'),
      ArtifactStore: { Type: 'S3', Location: ref('ArtifactBucket') },
      Variables: said.map((one) => (one === 'Release' ? { Name: 'Release', Description: release } : VARIABLES[one])),
      Stages: stages,
    },
  }
}

/** One pipeline for each degree of haste: a name that everybody sees is louder than a variable. */
function releasePipelines(service: Service): Resource[] {
  const way = wayOf(service)
  const { people, emergencyPeople } = way
  return [
    releasePipeline(service, { id: 'Pipeline', suffix: 'release', haste: 'none', people }),
    {
      ...releasePipeline(service, {
        id: 'EmergencyPipeline',
        suffix: 'emergency-release',
        haste: 'emergency',
        people: way.ours ? people : Math.max(people, emergencyPeople),
      }),
      why: [
        `In a closed window, when ${emergencyPeople} people agree who did not start it${way.ours ? '; Holdfast asks and counts them' : ''}. Every gate runs. Start it when no other release is under way.`,
      ],
    },
    {
      ...releasePipeline(service, {
        id: 'BreakGlassPipeline',
        suffix: 'break-glass-release',
        haste: 'break-glass',
        people: 0,
      }),
      why: [
        'When nobody can be asked: every gate runs, nobody approves, and the evidence says who broke the glass and why.',
      ],
    },
  ]
}

function releasePipeline(
  service: Service,
  { id, suffix, haste, people }: { id: string; suffix: string; haste: Haste; people: number },
): Resource {
  const gates = pipelineGates(service)
  const said = saidOf(wayOf(service), haste)
  const approval: Props = {
    Name: 'Approval',
    Actions: Array.from({ length: people }, (_, i) => ({
      Name: `approver-${i + 1}`,
      ActionTypeId: { Category: 'Approval', Owner: 'AWS', Provider: 'Manual', Version: '1' },
      Configuration: raw({
        NotificationArn: ref('ApprovalTopicArn'),
        CustomData: `${haste === 'none' ? 'Release' : 'Release in a closed window'} of ${service.service.id} to ${productionOf(service)}`,
      }),
      RunOrder: i + 1,
    })),
  }
  const mode = noted('QUEUED', 'one release at a time; a newer one waits')
  return pipeline(service, { id, suffix, mode, said }, [
    sourceStage(),
    {
      Name: 'Gates',
      Actions: [
        action('window', 'Window', told(said)),
        ...gates.map((gate) => action(gate.id, gateResource(gate), {})),
      ],
    },
    ...(people > 0 ? [approval] : []),
    { Name: 'Production', Actions: [action('deploy', 'Production', told(said))] },
  ])
}

function rollbackPipeline(service: Service): Resource {
  const said = saidOf(wayOf(service))
  return {
    ...pipeline(service, { id: 'RollbackPipeline', suffix: 'rollback', mode: 'QUEUED', said }, [
      sourceStage(),
      { Name: 'Rollback', Actions: [action('rollback', 'Rollback', told(said))] },
    ]),
    why: ['By hand, without a gate: the old release has served before. It does not wait for the release pipeline.'],
  }
}

function schemaPipeline(service: Service): Resource[] {
  const way = wayOf(service)
  if (!way.schema) return []
  const said = saidOf(way)
  return [
    {
      ...pipeline(service, { id: 'SchemaPipeline', suffix: 'schema', mode: 'QUEUED', said }, [
        sourceStage(),
        { Name: 'Schema', Actions: [action('schema', 'Schema', told(said))] },
      ]),
      why: [
        'By hand, when the rollback window of the release that serves has closed: old data, then the old shape. The script refuses before, and beside a release.',
      ],
    },
  ]
}
