/** The pipeline that runs this service's gates before production. A gate without a command stops the release until it has one. */
import type { Gate, Service } from '../define/schema.ts'
import { type KitFile, single } from './file.ts'
import type { Source } from './source.ts'

/** Kinds that Holdfast runs itself when a deployment starts. */
const RUN_BY_HOLDFAST = new Set(['journeys', 'shadow', 'drill', 'alerts', 'approval', 'migration'])

// Actions by the commit of a release, never by a tag that can be moved: checkout v4.2.2, setup-node v4.1.0, upload-artifact v4.4.3.
const CHECKOUT = 'actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683'
const SETUP_NODE = 'actions/setup-node@39370e3970a6d050c480ffad4ff0ed4d3fdee5af'
const UPLOAD = 'actions/upload-artifact@b4b15b8c7c6ac21ea08fcf65892d2ee8f75cf882'

export function pipelineFiles({ service }: Source): KitFile[] {
  const from = [
    ['deployment', 'gates'],
    ['deployment', 'rollback'],
    ['deployment', 'approvals'],
  ]
  if (service.tooling.pipeline === 'github-actions')
    return [
      single('pipelines', '.github/workflows/release.yml', from, releaseWorkflow(service)),
      single('pipelines', '.github/workflows/rollback.yml', from, rollbackWorkflow(service)),
    ]
  if (service.tooling.pipeline === 'jenkins') return [single('pipelines', 'Jenkinsfile', from, jenkinsfile(service))]
  if (service.tooling.pipeline === 'codepipeline')
    return [single('pipelines', `ops/pipeline/${service.service.id}.pipeline.yml`, from, codePipeline(service))]
  return []
}

/** Gates that the pipeline runs; the others are run by Holdfast at the start of the deployment. */
export function pipelineGates(service: Service): readonly Gate[] {
  return service.deployment.gates.filter((gate) => gate.run !== undefined || !RUN_BY_HOLDFAST.has(gate.kind))
}

function shellOf(gate: Gate): string {
  if (gate.run)
    return gate.run
      .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
      .join(' ')
  return `echo "Nothing says how the gate ${gate.id} is run: add run to it in service.yaml. A gate that did not run has failed." && exit 1`
}

function minutesOf(gate: Gate): number {
  return Math.max(1, Math.ceil(gate.secondsMax / 60))
}

function releaseWorkflow(service: Service): string {
  const gates = pipelineGates(service)
  const deployMinutes = Math.ceil(service.deployment.canary.bakeMinutes + 60)
  return [
    `name: Release ${service.service.id}`,
    'on:',
    '  workflow_dispatch:',
    '    inputs:',
    '      release: { description: The release to deploy, required: true, type: string }',
    '      reason: { description: "Why, in one sentence", required: true, type: string }',
    'permissions: { contents: read }',
    '# One release at a time, and never cut short: a deployment that is cancelled in the middle leaves citizens between two releases.',
    `concurrency: { group: ${service.service.id}-production, cancel-in-progress: false }`,
    'jobs:',
    '  definition:',
    '    runs-on: ubuntu-24.04',
    '    timeout-minutes: 10',
    '    steps:',
    `      - uses: ${CHECKOUT}`,
    `      - uses: ${SETUP_NODE}`,
    '        with: { node-version: 22 }',
    '      - run: npm ci',
    '      - run: npx --no-install holdfast define',
    '      - run: npx --no-install holdfast check . --format github',
    ...gates.flatMap((gate) => [
      `  ${gate.id}:`,
      ...(gate.pass ? [`    # ${gate.pass}`] : []),
      '    runs-on: ubuntu-24.04',
      `    timeout-minutes: ${minutesOf(gate)}`,
      '    steps:',
      `      - uses: ${CHECKOUT}`,
      `      - run: ${JSON.stringify(shellOf(gate))}`,
      ...(gate.report
        ? [
            `      - uses: ${UPLOAD}`,
            '        if: always()',
            `        with: { name: ${gate.id}, path: ${gate.report}, if-no-files-found: error }`,
          ]
        : []),
    ]),
    '  production:',
    `    needs: [definition, ${gates.map((gate) => gate.id).join(', ')}]`,
    `    # Required reviewers of this environment: ${service.deployment.approvals.people}, never the person who started it.`,
    '    environment: production',
    '    runs-on: ubuntu-24.04',
    `    timeout-minutes: ${deployMinutes}`,
    '    steps:',
    `      - uses: ${CHECKOUT}`,
    `      - uses: ${SETUP_NODE}`,
    '        with: { node-version: 22 }',
    '      - run: npm ci',
    '      # Exit 4: taken back, citizens are on the old release. Exit 5: a person is needed. Both fail this job.',
    '      - run: npx --no-install holdfast deploy start --release "$RELEASE" --reason "$REASON" --by "$WHO" --json > deployment.json',
    '        env:',
    '          RELEASE: ${{ inputs.release }}',
    '          REASON: ${{ inputs.reason }}',
    '          WHO: ${{ github.actor }}',
    '          DATABASE_URL: ${{ secrets.HOLDFAST_DATABASE_URL }}',
    `      - uses: ${UPLOAD}`,
    '        if: always()',
    '        with: { name: deployment, path: deployment.json, if-no-files-found: error, retention-days: 90 }',
  ].join('\n')
}

function rollbackWorkflow(service: Service): string {
  return [
    `name: Take back ${service.service.id}`,
    '# By hand, by anybody who may deploy; needs no gate, because the old release has served before.',
    'on:',
    '  workflow_dispatch:',
    '    inputs:',
    '      reason: { description: "Why, in one sentence", required: true, type: string }',
    'permissions: { contents: read }',
    `concurrency: { group: ${service.service.id}-rollback, cancel-in-progress: false }`,
    'jobs:',
    '  rollback:',
    '    runs-on: ubuntu-24.04',
    `    timeout-minutes: ${service.deployment.rollback.maxMinutes}`,
    '    environment: production-rollback',
    '    steps:',
    `      - uses: ${CHECKOUT}`,
    `      - uses: ${SETUP_NODE}`,
    '        with: { node-version: 22 }',
    '      - run: npm ci',
    '      - run: npx --no-install holdfast deploy rollback --reason "$REASON" --by "$WHO"',
    '        env:',
    '          REASON: ${{ inputs.reason }}',
    '          WHO: ${{ github.actor }}',
    '          DATABASE_URL: ${{ secrets.HOLDFAST_DATABASE_URL }}',
  ].join('\n')
}

function jenkinsfile(service: Service): string {
  const gates = pipelineGates(service)
  const text = (value: string) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  return [
    `// Release of ${service.service.id}: every gate before production; one release at a time.`,
    'pipeline {',
    '  agent any',
    '  options {',
    '    disableConcurrentBuilds()',
    `    timeout(time: ${Math.ceil(service.deployment.canary.bakeMinutes + 120)}, unit: 'MINUTES')`,
    '  }',
    '  parameters {',
    "    string(name: 'RELEASE', description: 'The release to deploy')",
    "    string(name: 'REASON', description: 'Why, in one sentence')",
    '  }',
    '  stages {',
    "    stage('definition') {",
    '      steps {',
    "        sh 'npm ci'",
    "        sh 'npx --no-install holdfast define'",
    "        sh 'npx --no-install holdfast check .'",
    '      }',
    '    }',
    ...gates.flatMap((gate) => [
      `    stage(${text(gate.id)}) {`,
      `      options { timeout(time: ${minutesOf(gate)}, unit: 'MINUTES') }`,
      ...(gate.pass ? [`      // ${gate.pass}`] : []),
      '      steps {',
      `        sh ${text(shellOf(gate))}`,
      ...(gate.report ? [`        archiveArtifacts artifacts: ${text(gate.report)}`] : []),
      '      }',
      '    }',
    ]),
    ...(service.deployment.approvals.people > 0
      ? [
          "    stage('approval') {",
          '      // Somebody else than the person who started this build.',
          `      steps { input message: ${text(`Release to production of ${service.service.id}?`)}, submitterParameter: 'APPROVER' }`,
          '    }',
        ]
      : []),
    "    stage('production') {",
    '      steps {',
    '        // Exit 4: taken back, citizens are on the old release. Exit 5: a person is needed. Both fail this build.',
    '        sh \'npx --no-install holdfast deploy start --release "$RELEASE" --reason "$REASON" --json > deployment.json\'',
    '      }',
    "      post { always { archiveArtifacts artifacts: 'deployment.json', allowEmptyArchive: false } }",
    '    }',
    '  }',
    '}',
  ].join('\n')
}

/** A CodePipeline in CloudFormation: source, every gate side by side, approval, production. Roles and bucket come from your landing zone. */
function codePipeline(service: Service): string {
  const gates = pipelineGates(service)
  const name = (id: string) =>
    id
      .split('-')
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join('')
  const action = (id: string, project: string) => [
    `            - Name: ${id}`,
    '              ActionTypeId: { Category: Build, Owner: AWS, Provider: CodeBuild, Version: "1" }',
    `              Configuration: { ProjectName: { Ref: ${project} } }`,
    '              InputArtifacts: [{ Name: source }]',
    '              RunOrder: 1',
  ]
  const { people } = service.deployment.approvals
  return [
    "AWSTemplateFormatVersion: '2010-09-09'",
    `Description: ${JSON.stringify(`Release of ${service.service.name}: every gate before production`)}`,
    'Parameters:',
    '  ConnectionArn: { Type: String, Description: Connection to the repository }',
    '  Repository: { Type: String, Description: "Owner and name, as owner/name" }',
    '  Branch: { Type: String, Default: main }',
    '  ArtifactBucket: { Type: String, Description: Bucket for what passes from stage to stage }',
    '  PipelineRoleArn: { Type: String }',
    '  BuildRoleArn: { Type: String, Description: May read the source and write logs; the production project needs what a deployment needs }',
    '  DeployRoleArn: { Type: String }',
    ...(people > 0
      ? ['  ApprovalTopicArn: { Type: String, Description: Tells approvers; never the person who started it }']
      : []),
    'Resources:',
    ...gates.flatMap((gate) => [
      ...(gate.pass ? [`  # ${gate.pass}`] : []),
      ...buildProject(
        service,
        `Gate${name(gate.id)}`,
        gate.id,
        [shellOf(gate)],
        minutesOf(gate),
        'BuildRoleArn',
        gate.report,
      ),
    ]),
    '  # Exit 4: taken back, citizens are on the old release. Exit 5: a person is needed. Both fail the stage.',
    ...buildProject(
      service,
      'Production',
      'production',
      [
        'npm ci',
        'npx --no-install holdfast define',
        'npx --no-install holdfast check .',
        'npx --no-install holdfast deploy start --release "$CODEBUILD_RESOLVED_SOURCE_VERSION" --reason "pipeline $CODEBUILD_INITIATOR" --json > deployment.json',
      ],
      Math.min(480, Math.ceil(service.deployment.canary.bakeMinutes + 60)),
      'DeployRoleArn',
      'deployment.json',
    ),
    '  Pipeline:',
    '    Type: AWS::CodePipeline::Pipeline',
    '    Properties:',
    `      Name: ${service.service.id}-release`,
    '      PipelineType: V2',
    '      # One release at a time; a newer one waits.',
    '      ExecutionMode: QUEUED',
    '      RoleArn: { Ref: PipelineRoleArn }',
    '      ArtifactStore: { Type: S3, Location: { Ref: ArtifactBucket } }',
    '      Stages:',
    '        - Name: Source',
    '          Actions:',
    '            - Name: repository',
    '              ActionTypeId: { Category: Source, Owner: AWS, Provider: CodeStarSourceConnection, Version: "1" }',
    '              Configuration:',
    '                ConnectionArn: { Ref: ConnectionArn }',
    '                FullRepositoryId: { Ref: Repository }',
    '                BranchName: { Ref: Branch }',
    '                DetectChanges: "false"',
    '              OutputArtifacts: [{ Name: source }]',
    '              RunOrder: 1',
    '        - Name: Gates',
    '          Actions:',
    ...gates.flatMap((gate) => action(gate.id, `Gate${name(gate.id)}`)),
    ...(people > 0
      ? [
          '        - Name: Approval',
          '          Actions:',
          ...Array.from({ length: people }, (_, i) => [
            `            - Name: approver-${i + 1}`,
            '              ActionTypeId: { Category: Approval, Owner: AWS, Provider: Manual, Version: "1" }',
            '              Configuration:',
            '                NotificationArn: { Ref: ApprovalTopicArn }',
            `                CustomData: ${JSON.stringify(`Release of ${service.service.id} to production`)}`,
            `              RunOrder: ${i + 1}`,
          ]).flat(),
        ]
      : []),
    '        - Name: Production',
    '          Actions:',
    ...action('deploy', 'Production'),
  ].join('\n')
}

function buildProject(
  service: Service,
  resource: string,
  id: string,
  commands: readonly string[],
  minutes: number,
  role: string,
  report: string | undefined,
): string[] {
  return [
    `  ${resource}:`,
    '    Type: AWS::CodeBuild::Project',
    '    Properties:',
    `      Name: ${service.service.id}-${id}`,
    `      ServiceRole: { Ref: ${role} }`,
    '      Artifacts: { Type: CODEPIPELINE }',
    '      Environment: { Type: LINUX_CONTAINER, ComputeType: BUILD_GENERAL1_MEDIUM, Image: "aws/codebuild/standard:7.0" }',
    // CodeBuild accepts 5 to 2,160 minutes.
    `      TimeoutInMinutes: ${Math.max(5, minutes)}`,
    ...(id === 'production' ? ['      ConcurrentBuildLimit: 1'] : []),
    '      Source:',
    '        Type: CODEPIPELINE',
    '        BuildSpec: |',
    '          version: 0.2',
    '          phases:',
    '            build:',
    '              commands:',
    ...commands.map((command) => `                - ${JSON.stringify(command)}`),
    ...(report ? ['          artifacts:', `            files: [${JSON.stringify(report)}]`] : []),
  ]
}
