/** CodePipeline and CodeBuild in CloudFormation: window and gates side by side, approval, production with evidence; a second one goes back. */
import type { Service } from '../../define/schema.ts'
import { cloudformationText } from '../infra/cloudformation.ts'
import { noted, type Parameter, pascal, type Props, raw, ref, type Resource, type Value } from '../infra/model.ts'
import {
  AROUND_MINUTES,
  deployMinutes,
  environmentOption,
  EVIDENCE,
  HOLDFAST,
  minutesOf,
  type PipelineGate,
  pipelineGates,
  preparationOf,
  productionOf,
  shellOf,
} from './gates.ts'

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
    { name: 'DatabaseSecret', type: 'String', says: 'Name of the secret that holds DATABASE_URL of Holdfast' },
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
  const option = environmentOption(service)
  const deploying = deployMinutes(service)
  const { maxMinutes } = service.deployment.rollback
  const builds: Build[] = [
    {
      id: 'window',
      resource: 'Window',
      deploys: true,
      minutes: 2 * AROUND_MINUTES,
      why: 'is the window open, is no other deployment under way, can the schema go back',
      commands: [
        'npm ci',
        `${HOLDFAST} define`,
        `${HOLDFAST} check .`,
        `${HOLDFAST} deploy plan --release "$CODEBUILD_RESOLVED_SOURCE_VERSION" --by "$CODEBUILD_INITIATOR"${option}`,
      ],
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
      why: `${deploying.says}. Exit 4: taken back, citizens are on the old release. Exit 5: a person is needed. Both fail the stage`,
      commands: [
        'npm ci',
        `${HOLDFAST} deploy start --release "$CODEBUILD_RESOLVED_SOURCE_VERSION" --reason "$REASON" --by "$CODEBUILD_INITIATOR"${option} --json > deployment.json`,
      ],
      finally: [...EVIDENCE, `${HOLDFAST} deploy status`],
      keeps: ['deployment.json', 'evidence/**/*'],
    },
    {
      id: 'rollback',
      resource: 'Rollback',
      deploys: true,
      minutes: maxMinutes,
      why: `${maxMinutes} min are promised for the way back`,
      commands: ['npm ci', `${HOLDFAST} deploy rollback --reason "$REASON" --by "$CODEBUILD_INITIATOR"`],
      finally: [`${HOLDFAST} deploy status`],
    },
  ]
  return builds.map((build) => projectOf(service, build))
}

/** Parameter with the name of the secret of a variable that a gate needs. */
const secretOf = (variable: string) => `${pascal(variable.toLowerCase())}Secret`

const gateResource = (gate: PipelineGate) => `Gate${pascal(gate.id)}`

function projectOf(service: Service, build: Build): Resource {
  const secret = (Name: string, parameter: string): Props => ({ Name, Type: 'SECRETS_MANAGER', Value: ref(parameter) })
  const secrets = [
    ...(build.deploys ? [secret('DATABASE_URL', 'DatabaseSecret')] : []),
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
    ...(last ? ['    finally:', ...last.map((command) => `      - ${JSON.stringify(command)}`)] : []),
    ...(keeps ? ['artifacts:', `  files: [${keeps.map((file) => JSON.stringify(file)).join(', ')}]`] : []),
  ].join('\n')
}

function action(name: string, project: string, reason: boolean, order = 1): Props {
  return {
    Name: name,
    ActionTypeId: { Category: 'Build', Owner: 'AWS', Provider: 'CodeBuild', Version: '1' },
    Configuration: raw({
      ProjectName: ref(project),
      ...(reason
        ? {
            EnvironmentVariables: JSON.stringify([{ name: 'REASON', value: '#{variables.Reason}', type: 'PLAINTEXT' }]),
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
      Variables: [REASON],
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
      Actions: [action('window', 'Window', false), ...gates.map((gate) => action(gate.id, gateResource(gate), false))],
    },
    ...(people > 0 ? [approval] : []),
    { Name: 'Production', Actions: [action('deploy', 'Production', true)] },
  ])
}

function rollbackPipeline(service: Service): Resource {
  return {
    ...pipeline(service, 'RollbackPipeline', 'rollback', 'QUEUED', [
      sourceStage(),
      { Name: 'Rollback', Actions: [action('rollback', 'Rollback', true)] },
    ]),
    why: ['By hand, without a gate: the old release has served before. It does not wait for the release pipeline.'],
  }
}
