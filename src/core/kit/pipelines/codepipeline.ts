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
import { HOLDFAST, productionOf } from './release.ts'
import { type Way, wayOf } from './way.ts'

/** CodeBuild accepts 5 to 2,160 minutes (AWS::CodeBuild::Project, TimeoutInMinutes). */
const MINUTES = { least: 5, most: 2_160 } as const

export function codePipeline(service: Service): string {
  const { id, name } = service.service
  return cloudformationText({
    name: `${id}-pipeline`,
    description: `Release of "${name}": the window and every gate before production, and the way back`,
    parameters: parameters(service),
    resources: [...projects(service), releasePipeline(service), rollbackPipeline(service)],
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
    { name: 'BuildRoleArn', type: 'String', says: 'Role of the gates: reads the source and writes logs' },
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
    ...(way.needsBucket
      ? [{ name: 'CodeBucket', type: 'String', says: 'Bucket of the packages' } satisfies Parameter]
      : []),
    ...(way.tools === 'kubectl'
      ? [
          {
            name: 'ClusterSecret',
            type: 'String',
            says: 'Name of the secret that holds the kubeconfig',
          } satisfies Parameter,
        ]
      : []),
    ...[...new Set(pipelineGates(service).flatMap((gate) => gate.secretEnv))].map(
      (variable): Parameter => ({
        name: secretOf(variable),
        type: 'String',
        says: `Name of the secret that holds ${variable} for the gates`,
      }),
    ),
    ...(service.deployment.approvals.people > 0
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

interface Build {
  readonly id: string
  readonly resource: string
  readonly commands: readonly string[]
  readonly minutes: number
  readonly why: string
  readonly deploys?: boolean
  readonly keeps?: readonly string[]
  /** Variables from outside, by the parameter that names their secret. */
  readonly secrets?: readonly string[]
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
      commands: ['npm ci', ...cluster, way.start(release, '"$REASON"', by)],
      finally: [...way.evidence, ...(way.status ? [way.status] : [])],
      keeps: ['deployment.json', 'evidence/**/*'],
    },
    {
      id: 'rollback',
      resource: 'Rollback',
      deploys: true,
      minutes: maxMinutes,
      why: `${maxMinutes} min are promised for the way back`,
      commands: ['npm ci', ...cluster, way.back(way.backNeedsRelease ? release : '', '"$REASON"', by).trimEnd()],
      finally: way.status ? [way.status] : [],
    },
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
    ...(way.needsBucket ? [plain('CODE_BUCKET', ref('CodeBucket'))] : []),
    ...(way.tools === 'kubectl' ? [secret('CLUSTER', 'ClusterSecret')] : []),
  ]
}

function projectOf(service: Service, build: Build): Resource {
  const way = wayOf(service)
  const secret: Secret = (Name, parameter) => ({ Name, Type: 'SECRETS_MANAGER', Value: ref(parameter) })
  const secrets = [
    ...(build.deploys ? surroundings(service, way, secret) : []),
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
      Source: { Type: 'CODEPIPELINE', BuildSpec: buildSpec(build) },
    },
  }
}

function buildSpec({ commands, keeps, finally: last }: Build): string {
  const usesNode = [...commands, ...(last ?? [])].some((command) => /\b(npm|npx|node)\b/.test(command))
  return [
    'version: 0.2',
    'phases:',
    ...(usesNode ? ['  install:', '    runtime-versions: { nodejs: 22 }'] : []),
    '  build:',
    '    commands:',
    ...commands.map((command) => `      - ${JSON.stringify(command)}`),
    ...(last && last.length > 0
      ? ['    finally:', ...last.map((command) => `      - ${JSON.stringify(command)}`)]
      : []),
    ...(keeps ? ['artifacts:', `  files: [${keeps.map((file) => JSON.stringify(file)).join(', ')}]`] : []),
  ].join('\n')
}

/** `told`: what the person who started it has said, handed over as variables. */
function action(name: string, project: string, told: readonly ('Reason' | 'Release')[], order = 1): Props {
  return {
    Name: name,
    ActionTypeId: { Category: 'Build', Owner: 'AWS', Provider: 'CodeBuild', Version: '1' },
    Configuration: raw({
      ProjectName: ref(project),
      ...(told.length > 0
        ? {
            EnvironmentVariables: JSON.stringify(
              told.map((one) => ({ name: one.toUpperCase(), value: `#{variables.${one}}`, type: 'PLAINTEXT' })),
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

const REASON: Props = { Name: 'Reason', DefaultValue: 'not given', Description: 'Why, in one sentence' }

const told = (way: Way): readonly ('Reason' | 'Release')[] => (way.ours ? ['Reason'] : ['Reason', 'Release'])

/** A release has no default: whoever starts the pipeline names it. */
const variables = (way: Way): Props[] => [REASON, ...(way.ours ? [] : [{ Name: 'Release', Description: way.release }])]

function pipeline(service: Service, id: string, suffix: string, mode: Value, stages: readonly Props[]): Resource {
  return {
    id,
    type: 'AWS::CodePipeline::Pipeline',
    props: {
      Name: `${service.service.id}-${suffix}`,
      PipelineType: 'V2',
      ExecutionMode: mode,
      RoleArn: ref('PipelineRoleArn'),
      ArtifactStore: { Type: 'S3', Location: ref('ArtifactBucket') },
      Variables: variables(wayOf(service)),
      Stages: stages,
    },
  }
}

function releasePipeline(service: Service): Resource {
  const { people } = service.deployment.approvals
  const gates = pipelineGates(service)
  const approval: Props = {
    Name: 'Approval',
    Actions: Array.from({ length: people }, (_, i) => ({
      Name: `approver-${i + 1}`,
      ActionTypeId: { Category: 'Approval', Owner: 'AWS', Provider: 'Manual', Version: '1' },
      Configuration: raw({
        NotificationArn: ref('ApprovalTopicArn'),
        CustomData: `Release of ${service.service.id} to ${productionOf(service)}`,
      }),
      RunOrder: i + 1,
    })),
  }
  return pipeline(service, 'Pipeline', 'release', noted('QUEUED', 'one release at a time; a newer one waits'), [
    sourceStage(),
    {
      Name: 'Gates',
      Actions: [action('window', 'Window', []), ...gates.map((gate) => action(gate.id, gateResource(gate), []))],
    },
    ...(people > 0 ? [approval] : []),
    { Name: 'Production', Actions: [action('deploy', 'Production', told(wayOf(service)))] },
  ])
}

function rollbackPipeline(service: Service): Resource {
  return {
    ...pipeline(service, 'RollbackPipeline', 'rollback', 'QUEUED', [
      sourceStage(),
      { Name: 'Rollback', Actions: [action('rollback', 'Rollback', told(wayOf(service)))] },
    ]),
    why: ['By hand, without a gate: the old release has served before. It does not wait for the release pipeline.'],
  }
}
