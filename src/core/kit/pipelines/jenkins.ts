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
  agent?: string,
): string[] {
  return [
    `    stage(${text(name)}) {`,
    `      options { timeout(time: ${minutes}, unit: 'MINUTES') }`,
    ...(agent
      ? [`      // Holdfast moves releases on the machine where they run.`, `      agent { label ${text(agent)} }`]
      : []),
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

const credentialOf = (service: Service, name: string) =>
  `${service.service.id}-${name.toLowerCase().replaceAll('_', '-')}`

const environment = (service: Service, way: Way, told = false) => [
  '  environment {',
  `    HOLDFAST_ENVIRONMENT = ${text(productionOf(service))}`,
  '    // HOLDFAST_ACCOUNT is set on the agents that may deploy: they know where they are. Without it nothing is deployed.',
  ...(way.ours ? [`    DATABASE_URL = credentials('${service.service.id}-holdfast-database-url')`] : []),
  ...way.serviceEnv.map((name) => `    SERVICE_${name} = credentials('${credentialOf(service, `service-${name}`)}')`),
  ...(way.tools === 'kubectl' ? [`    KUBECONFIG = credentials('${service.service.id}-kubeconfig')`] : []),
  ...(way.buckets.length > 0
    ? [`    // So are ${way.buckets.join(' and ')}: buckets that the role of those agents may use.`]
    : []),
  `    REASON = "\${params.REASON}"`,
  ...(told ? [`    EMERGENCY = "\${params.EMERGENCY ?: ''}"`, `    BREAK_GLASS = "\${params.BREAK_GLASS ?: ''}"`] : []),
  '  }',
]

const BY = '"$WHO"'

const agentOf = (way: Way) => (way.ours ? 'production' : undefined)
/** Another machine has another workspace. */
const fresh = (way: Way) => (way.ours ? ["sh 'npm ci'"] : [])

/** Jenkins knows who pressed the button; a form could say anything. */
const WHO = [
  'script {',
  "  def people = currentBuild.getBuildCauses('hudson.model.Cause$UserIdCause').collect { it.userId }",
  `  env.WHO = people ? people.join('+') : "jenkins \${env.BUILD_TAG}"`,
  '}',
]

const databaseOf = (service: Service, way: Way) =>
  way.databaseEnv ? [`${way.databaseEnv} = credentials('${credentialOf(service, way.databaseEnv)}')`] : []

/** One question a person, because each answer is by one; the deployment counts different names, without the one who started it. */
function approvalStages(service: Service, way: Way): string[] {
  const count = way.ours ? way.people : Math.max(way.people, way.emergencyPeople)
  const ask = text(`Release to ${productionOf(service)} of ${service.service.id}?`)
  return Array.from({ length: count }, (_, i) => {
    const asked = i < way.people ? '!env.BREAK_GLASS' : '!env.BREAK_GLASS && env.EMERGENCY'
    return [
      `    stage('approval ${i + 1}') {`,
      `      options { timeout(time: ${24 * 60}, unit: 'MINUTES') }`,
      `      when { beforeInput true; expression { ${asked} } }`,
      `      input { message ${ask}; submitterParameter 'APPROVER' }`,
      `      steps { script { env.AGREED = "\${env.AGREED ?: ''} \${env.APPROVER}" } }`,
      '    }',
    ]
  }).flat()
}

export function jenkinsfile(service: Service): string {
  const gates = pipelineGates(service)
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
    `    string(name: 'EMERGENCY', description: 'Only in a closed window: why it cannot wait. ${way.emergencyPeople} others must agree')`,
    "    string(name: 'BREAK_GLASS', description: 'Only when nobody can be asked: why. Loud, and in the evidence')",
    '  }',
    ...environment(service, way, true),
    '  stages {',
    ...stage('definition', 2 * AROUND_MINUTES, [
      ...WHO,
      "sh 'npm ci'",
      `sh '${HOLDFAST} define'`,
      `sh '${HOLDFAST} check .'`,
    ]),
    `    // Is the window open${way.ours ? ', is no other deployment under way, can the schema go back' : ''}?`,
    ...stage('window', AROUND_MINUTES, [...fresh(way), `sh ${text(way.plan('"$RELEASE"', BY))}`], [], [], agentOf(way)),
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
          gate.secretEnv.map((name) => `${name} = credentials('${credentialOf(service, name)}')`),
        ),
      ]
    }),
    ...(way.people > 0 || !way.ours
      ? [
          `    // ${way.people} must agree in an open window, ${way.emergencyPeople} in a closed one; never the person who started this build.${way.ours ? ' Holdfast counts and logs them too.' : ''}`,
          ...approvalStages(service, way),
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
        ...fresh(way),
        `sh ${text(way.start('"$RELEASE"', '"$REASON"', BY))}`,
      ],
      [
        ...(way.evidence.length > 0 ? [`sh '''`, ...way.evidence.map((line) => `  ${line}`), `'''`] : []),
        "archiveArtifacts artifacts: 'deployment.json,evidence/**', allowEmptyArchive: false",
        ...(way.status ? [`sh ${text(way.status)}`] : []),
      ],
      databaseOf(service, way),
      agentOf(way),
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
    "    string(name: 'BREAK_GLASS', description: 'Only to go where the ledger does not allow it: why. Loud, and in the evidence')",
    '  }',
    ...environment(service, way, true),
    '  stages {',
    ...stage(
      'rollback',
      maxMinutes,
      [
        ...WHO,
        "sh 'npm ci'",
        `sh ${text(way.back(way.backNeedsRelease ? '"$RELEASE"' : '', '"$REASON"', BY).trimEnd())}`,
      ],
      [
        ...(way.ours ? [] : ["archiveArtifacts artifacts: 'evidence/**', allowEmptyArchive: true"]),
        ...(way.status ? [`sh ${text(way.status)}`] : []),
      ],
      [],
      agentOf(way),
    ),
    '  }',
    '}',
  ].join('\n')
}

/** What is left of a schema change when nobody goes back any more: old data, and the old shape. */
export function schemaJenkinsfile(service: Service): string {
  const way = wayOf(service)
  const { run, minutes } = way.schema!
  return [
    `// Finishes the schema of ${service.service.id}: by hand, when the rollback window of the release that serves has closed; refuses before.`,
    'pipeline {',
    '  agent any',
    '  options {',
    '    disableConcurrentBuilds()',
    '  }',
    '  parameters {',
    "    string(name: 'RELEASE', description: 'The release that serves')",
    "    string(name: 'REASON', description: 'Why, in one sentence')",
    '  }',
    ...environment(service, way),
    '  stages {',
    `    // old data, the old shape, and the proof: ${minutes} min at most`,
    ...stage(
      'schema',
      minutes + AROUND_MINUTES,
      [...WHO, "sh 'npm ci'", `sh ${text(run('"$RELEASE"'))}`],
      ["archiveArtifacts artifacts: 'evidence/**', allowEmptyArchive: true"],
      databaseOf(service, way),
    ),
    '  }',
    '}',
  ].join('\n')
}
