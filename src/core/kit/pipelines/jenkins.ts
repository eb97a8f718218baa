/** Jenkins: one stage after the other, so that every gate and the window stand before production; and a job for the way back. */
import type { Service } from '../../define/schema.ts'
import { AROUND_MINUTES, deployMinutes, minutesOf, pipelineGates, preparationOf, shellOf } from './gates.ts'
import { HOLDFAST, productionOf } from './release.ts'
import { type Way, wayOf } from './way.ts'

const text = (value: string) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function stage(
  name: string,
  minutes: number,
  lines: readonly string[],
  post: readonly string[] = [],
  secrets: readonly string[] = [],
): string[] {
  return [
    `    stage(${text(name)}) {`,
    `      options { timeout(time: ${minutes}, unit: 'MINUTES') }`,
    ...(secrets.length > 0 ? ['      environment {', ...secrets.map((line) => `        ${line}`), '      }'] : []),
    '      steps {',
    ...lines.map((line) => `        ${line}`),
    '      }',
    ...(post.length > 0
      ? ['      post {', '        always {', ...post.map((line) => `          ${line}`), '        }', '      }']
      : []),
    '    }',
  ]
}

const environment = (service: Service, way: Way) => [
  '  environment {',
  `    HOLDFAST_ENVIRONMENT = ${text(productionOf(service))}`,
  '    // HOLDFAST_ACCOUNT is set on the agents that may deploy: they know where they are. Without it nothing is deployed.',
  ...(way.ours ? [`    DATABASE_URL = credentials('${service.service.id}-holdfast-database-url')`] : []),
  ...(way.tools === 'kubectl' ? [`    KUBECONFIG = credentials('${service.service.id}-kubeconfig')`] : []),
  ...(way.needsBucket ? ['    // CODE_BUCKET too: the bucket of code, for the role of those agents.'] : []),
  ...(way.ours ? [] : ['    WHO = "jenkins ${env.BUILD_TAG}"', '    REASON = "${params.REASON}"']),
  '  }',
]

const BY = '"jenkins $BUILD_TAG"'

export function jenkinsfile(service: Service): string {
  const gates = pipelineGates(service)
  const { people } = service.deployment.approvals
  const { minutes, says } = deployMinutes(service)
  const way = wayOf(service)
  return [
    `// Release of ${service.service.id}: every gate before production; one release at a time.`,
    'pipeline {',
    '  agent any',
    '  options {',
    '    disableConcurrentBuilds()',
    "    buildDiscarder(logRotator(daysToKeepStr: '90'))",
    '  }',
    '  parameters {',
    `    string(name: 'RELEASE', description: ${text(way.release)})`,
    "    string(name: 'REASON', description: 'Why, in one sentence')",
    '  }',
    ...environment(service, way),
    '  stages {',
    ...stage('definition', 2 * AROUND_MINUTES, ["sh 'npm ci'", `sh '${HOLDFAST} define'`, `sh '${HOLDFAST} check .'`]),
    `    // Is the window open${way.ours ? ', is no other deployment under way, can the schema go back' : ''}?`,
    ...stage('window', AROUND_MINUTES, [`sh ${text(way.plan('"$RELEASE"', BY))}`]),
    ...gates.flatMap((gate) => {
      const preparation = preparationOf(gate)
      return [
        ...(gate.pass ? [`    // ${gate.pass}`] : []),
        ...stage(
          gate.id,
          minutesOf(gate),
          // The definition's stage has run npm ci in this workspace.
          [
            ...(preparation && preparation !== 'npm ci' ? [`sh ${text(preparation)}`] : []),
            `sh ${text(shellOf(gate))}`,
          ],
          gate.report ? [`archiveArtifacts artifacts: ${text(gate.report)}`] : [],
          gate.secretEnv.map(
            (name) => `${name} = credentials('${service.service.id}-${name.toLowerCase().replaceAll('_', '-')}')`,
          ),
        ),
      ]
    }),
    ...(people > 0
      ? [
          `    // ${people === 1 ? 'Somebody else' : `${people} people, none of them`} than the person who started this build; Holdfast counts and logs them too.`,
          ...stage('approval', 24 * 60, [
            `input message: ${text(`Release to ${productionOf(service)} of ${service.service.id}?`)}, submitterParameter: 'APPROVER'`,
          ]),
        ]
      : []),
    `    // ${says}`,
    ...stage(
      'production',
      minutes,
      [
        way.ours
          ? '// Exit 4: taken back, citizens are on the old release. Exit 5: a person is needed. Both fail this build.'
          : '// Anything but 0 fails this build: it was taken back, or nothing was changed.',
        `sh ${text(way.start('"$RELEASE"', '"$REASON"', BY))}`,
      ],
      [
        ...(way.evidence.length > 0 ? [`sh '''`, ...way.evidence.map((line) => `  ${line}`), `'''`] : []),
        "archiveArtifacts artifacts: 'deployment.json,evidence/**', allowEmptyArchive: false",
        ...(way.status ? [`sh ${text(way.status)}`] : []),
      ],
    ),
    '  }',
    '}',
  ].join('\n')
}

export function rollbackJenkinsfile(service: Service): string {
  const { maxMinutes } = service.deployment.rollback
  const way = wayOf(service)
  return [
    `// Takes the newest release of ${service.service.id} back: by hand, without a gate, and beside a release that is under way.`,
    'pipeline {',
    '  agent any',
    '  options {',
    '    disableConcurrentBuilds()',
    `    // ${maxMinutes} min are promised for the way back.`,
    `    timeout(time: ${maxMinutes}, unit: 'MINUTES')`,
    '  }',
    '  parameters {',
    "    string(name: 'REASON', description: 'Why, in one sentence')",
    ...(way.backNeedsRelease ? ["    string(name: 'RELEASE', description: 'The release that served before')"] : []),
    '  }',
    ...environment(service, way),
    '  stages {',
    ...stage(
      'rollback',
      maxMinutes,
      ["sh 'npm ci'", `sh ${text(way.back(way.backNeedsRelease ? '"$RELEASE"' : '', '"$REASON"', BY).trimEnd())}`],
      way.status ? [`sh ${text(way.status)}`] : [],
    ),
    '  }',
    '}',
  ].join('\n')
}
