/** GitHub Actions: every gate and the window before production, one release at a time, its evidence, and the way back by hand. */
import type { Service } from '../../define/schema.ts'
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

/**
 * Actions by the commit of a release, never by a tag that can be moved. Each pair of tag and commit was found in several public
 * workflows; they run on Node 24, as GitHub removed Node 20 from its runners in September 2026.
 */
export const ACTIONS = {
  checkout: { uses: 'actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd', tag: 'v6.0.2' },
  node: { uses: 'actions/setup-node@395ad3262231945c25e8478fd5baf05154b1d79f', tag: 'v6.1.0' },
  upload: { uses: 'actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f', tag: 'v6.0.0' },
} as const

const use = ({ uses, tag }: { readonly uses: string; readonly tag: string }) => `${uses} # ${tag}`

/** A job on GitHub's own machines ends after six hours, on a machine of your own after five days (GitHub: Actions limits). */
const JOB_MINUTES_MAX = { theirs: 360, own: 7_200 } as const

const jobMinutesMax = (way: Way) => JOB_MINUTES_MAX[isOwn(way, true) ? 'own' : 'theirs']
const isOwn = (way: Way, schema: boolean) =>
  way.ours || way.tools === 'kubectl' || (schema && way.databaseEnv !== undefined)

/** An expression of GitHub's own. */
const gh = (inside: string) => `\u0024{{ ${inside} }}`

const RUNNER = '    runs-on: ubuntu-24.04'
const SOURCE = [`      - uses: ${use(ACTIONS.checkout)}`, '        with: { persist-credentials: false }']
const TOOLS = [
  ...SOURCE,
  `      - uses: ${use(ACTIONS.node)}`,
  '        with: { node-version: 24 }',
  '      - run: npm ci',
]

/** Where the releases run, what Holdfast keeps in .holdfast must outlive a checkout. */
const toolsOf = (way: Way) =>
  way.ours
    ? TOOLS.map((line) =>
        line.replace('{ persist-credentials: false }', '{ persist-credentials: false, clean: false }'),
      )
    : TOOLS

/** Where this runs is said by the settings of the repository or environment, never by a file that travels with the code. */
function surroundings(service: Service, way: Way): string[] {
  const region = service.environments.find(({ kind }) => kind === 'production')?.region
  return [
    `          HOLDFAST_ENVIRONMENT: ${productionOf(service)}`,
    `          HOLDFAST_ACCOUNT: ${gh('vars.HOLDFAST_ACCOUNT')}`,
    ...(way.ours ? [`          DATABASE_URL: ${gh('secrets.HOLDFAST_DATABASE_URL')}`] : []),
    ...way.serviceEnv.map((name) => `          SERVICE_${name}: ${gh(`secrets.SERVICE_${name}`)}`),
    ...(way.tools === 'aws'
      ? [
          `          AWS_ROLE_ARN: ${gh('vars.DEPLOY_ROLE_ARN')}`,
          `          AWS_WEB_IDENTITY_TOKEN_FILE: ${gh('runner.temp')}/aws-token`,
          ...(region ? [`          AWS_REGION: ${region}`] : []),
          ...way.buckets.map((name) => `          ${name}: ${gh(`vars.${name}`)}`),
        ]
      : []),
  ]
}

/** Only the steps that change the schema get the address of the database. */
const database = (way: Way) =>
  way.databaseEnv ? [`          ${way.databaseEnv}: ${gh(`secrets.${way.databaseEnv}`)}`] : []

const TOKEN =
  'curl --fail --silent --show-error --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" | jq --raw-output .value > "$RUNNER_TEMP/aws-token"'

/** By the identity that GitHub gives to this job; no key is kept anywhere. */
function credentials(way: Way): string[] {
  return way.tools === 'aws' ? ['      - run: |', `          ${TOKEN}`] : []
}

/** AWS takes an identity for an hour, and a release may bake for longer: a new one is laid beside it before the old one is over. */
function runLines(way: Way, command: string): string[] {
  if (way.tools !== 'aws') return [`      - run: ${command}`]
  return [
    '      - run: |',
    `          while sleep 240; do ${TOKEN}; done &`,
    '          trap "kill $! 2> /dev/null" EXIT',
    `          ${command}`,
  ]
}

/** A machine of your own where the releases run, beside the cluster, or with a way to the database; no key is kept anywhere. */
function runnerOf(way: Way, schema = false): readonly string[] {
  const why = [
    ...(way.ours ? ['Holdfast moves releases on the machine where they run'] : []),
    ...(way.tools === 'kubectl' ? ['It has the identity of the cluster'] : []),
    ...(schema && way.databaseEnv ? ['The database is reached from here, and from no machine of GitHub'] : []),
  ]
  return why.length > 0 ? [`    # ${why.join('. ')}.`, '    runs-on: [self-hosted, production]'] : [RUNNER]
}

const identity = (way: Way, asks = false) => {
  const rights = [...(asks ? ['actions: read'] : []), ...(way.tools === 'aws' ? ['id-token: write'] : [])]
  return rights.length > 0 ? [`    permissions: { contents: read, ${rights.join(', ')} }`] : []
}

const BY = [`          WHO: ${gh('github.triggering_actor')}`, `          REASON: ${gh('inputs.reason')}`]
const TOLD = [`          EMERGENCY: ${gh('inputs.emergency')}`, `          BREAK_GLASS: ${gh('inputs.break_glass')}`]

/** GitHub lets one reviewer of an environment agree for all, so each person who must agree has an environment, and names are counted. */
function approvalJobs(service: Service, way: Way, before: readonly string[]): string[] {
  const production = productionOf(service)
  return approvalIds(way).flatMap((id, i) => {
    const asked = i < way.people ? "inputs.break_glass == ''" : "inputs.break_glass == '' && inputs.emergency != ''"
    return [
      `  ${id}:`,
      ...(i === 0
        ? [
            `    # Reviewers of ${production}-${id}: never the person who started it (prevent self-review). ${production}-unasked has none.`,
            `    # ${way.people} must agree in an open window, ${way.emergencyPeople} in a closed one; the deployment counts different names.`,
          ]
        : []),
      `    needs: [${before.join(', ')}]`,
      RUNNER,
      `    timeout-minutes: ${AROUND_MINUTES}`,
      `    environment: ${gh(`${asked} && '${production}-${id}' || '${production}-unasked'`)}`,
      '    steps:',
      '      - run: echo "Nobody has to be asked, or somebody agreed."',
    ]
  })
}

const approvalIds = (way: Way) =>
  way.ours ? [] : Array.from({ length: Math.max(way.people, way.emergencyPeople) }, (_, i) => `approval-${i + 1}`)

/** Names from GitHub's own record of this run, which no input of a person can change. */
const AGREED = [
  '      - name: Who agreed',
  '        run: |',
  '          agreed="$(curl --fail --silent --show-error --header "Authorization: Bearer $TOKEN" "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID/approvals" | jq --raw-output \'[.[] | select(.state == "approved") | .user.login] | unique | join(" ")\')"',
  '          echo "AGREED=$agreed" >> "$GITHUB_ENV"',
  '        env:',
  `          TOKEN: ${gh('github.token')}`,
]
const RELEASE = `          RELEASE: ${gh('inputs.release')}`

export function releaseWorkflow(service: Service): string {
  const gates = pipelineGates(service)
  const { minutes, says } = deployMinutes(service)
  const way = wayOf(service)
  const around = surroundings(service, way)
  const before = ['definition', 'window', ...gates.map((gate) => gate.id)]
  return [
    `name: Release ${service.service.id}`,
    'on:',
    '  workflow_dispatch:',
    '    inputs:',
    `      release: { description: ${JSON.stringify(way.release)}, required: true, type: string }`,
    '      reason: { description: "Why, in one sentence", required: true, type: string }',
    `      emergency: { description: "Only in a closed window: why it cannot wait. ${way.emergencyPeople} others must agree", default: "", type: string }`,
    '      break_glass: { description: "Only when nobody can be asked: why. Loud, and in the evidence", default: "", type: string }',
    'permissions: { contents: read }',
    '# One release at a time, and never cut short: a deployment that is cancelled in the middle leaves citizens between two releases.',
    `concurrency: { group: ${service.service.id}-production, cancel-in-progress: false }`,
    'jobs:',
    '  definition:',
    RUNNER,
    `    timeout-minutes: ${2 * AROUND_MINUTES}`,
    '    steps:',
    ...TOOLS,
    `      - run: ${HOLDFAST} define`,
    `      - run: ${HOLDFAST} check . --format github`,
    `  # Before anything is built: is the window open${way.ours ? ', is no other deployment under way, can the schema go back' : ''}?`,
    '  window:',
    ...(way.ours ? runnerOf(way) : [RUNNER]),
    `    timeout-minutes: ${2 * AROUND_MINUTES}`,
    '    steps:',
    ...toolsOf(way),
    `      - run: ${way.plan('"$RELEASE"', '"$WHO"')}`,
    '        env:',
    ...(way.ours ? [RELEASE, BY[0]!, ...around] : []),
    ...TOLD,
    ...gates.flatMap(gateLines),
    ...approvalJobs(service, way, before),
    '  production:',
    `    needs: [${[...before, ...approvalIds(way)].join(', ')}]`,
    way.ours
      ? `    # Holdfast itself asks ${way.people} people, never the person who started it; this environment keeps other branches out.`
      : '    # People have agreed above; this environment keeps other branches out, and its name is in the identity of the job.',
    `    environment: ${productionOf(service)}`,
    ...runnerOf(way, true),
    `    # ${says}${minutes > jobMinutesMax(way) ? `; a job ends after ${jobMinutesMax(way)} min, and what it has begun goes on by itself` : ''}`,
    `    timeout-minutes: ${Math.min(jobMinutesMax(way), minutes)}`,
    ...identity(way, !way.ours),
    '    steps:',
    ...toolsOf(way),
    ...credentials(way),
    ...(way.ours ? [] : AGREED),
    ...(way.ours
      ? ['      # Exit 4: taken back, citizens are on the old release. Exit 5: a person is needed. Both fail this job.']
      : ['      # Anything but 0 fails this job: it was taken back, or nothing was changed.']),
    ...runLines(way, way.start('"$RELEASE"', '"$REASON"', '"$WHO"')),
    '        env:',
    RELEASE,
    ...BY,
    ...TOLD,
    ...database(way),
    ...around,
    ...(way.evidence.length > 0
      ? [
          '      - if: always()',
          '        run: |',
          ...way.evidence.map((line) => `          ${line}`),
          '        env:',
          `          DATABASE_URL: ${gh('secrets.HOLDFAST_DATABASE_URL')}`,
        ]
      : []),
    `      - uses: ${use(ACTIONS.upload)}`,
    '        if: always()',
    '        with:',
    '          name: evidence',
    '          path: |',
    '            deployment.json',
    '            evidence/',
    '          if-no-files-found: error',
    '          retention-days: 90',
    ...(way.status
      ? [
          '  # Whatever became of it: which release answers citizens now, and is it the one that was meant?',
          '  serving:',
          '    needs: [production]',
          `    if: ${gh("!cancelled() && needs.production.result != 'skipped'")}`,
          ...runnerOf(way),
          `    timeout-minutes: ${2 * AROUND_MINUTES}`,
          '    steps:',
          ...toolsOf(way),
          `      - run: ${way.status}`,
          '        env:',
          `          DATABASE_URL: ${gh('secrets.HOLDFAST_DATABASE_URL')}`,
        ]
      : []),
  ].join('\n')
}

function gateLines(gate: PipelineGate): string[] {
  const preparation = preparationOf(gate)
  const minutes = minutesOf(gate)
  return [
    `  ${gate.id}:`,
    ...(gate.pass ? [`    # ${gate.pass}`] : []),
    RUNNER,
    `    # the gate ${minutes} min, and ${AROUND_MINUTES} for the machine, the source and what it needs`,
    `    timeout-minutes: ${minutes + AROUND_MINUTES}`,
    '    steps:',
    ...(preparation === 'npm ci' ? TOOLS : [...SOURCE, ...(preparation ? [`      - run: ${preparation}`] : [])]),
    `      - run: ${JSON.stringify(shellOf(gate))}`,
    `        timeout-minutes: ${minutes}`,
    ...(gate.secretEnv.length > 0
      ? ['        env:', ...gate.secretEnv.map((name) => `          ${name}: ${gh(`secrets.${name}`)}`)]
      : []),
    ...(gate.report
      ? [
          `      - uses: ${use(ACTIONS.upload)}`,
          '        if: always()',
          `        with: { name: ${gate.id}, path: ${gate.report}, if-no-files-found: error }`,
        ]
      : []),
  ]
}

/** What a script wrote down, whatever became of it. */
const EVIDENCE_KEPT = [
  `      - uses: ${use(ACTIONS.upload)}`,
  '        if: always()',
  '        with: { name: evidence, path: evidence/, if-no-files-found: warn, retention-days: 90 }',
]

export function rollbackWorkflow(service: Service): string {
  const way = wayOf(service)
  return [
    `name: Take back ${service.service.id}`,
    '# By hand, by anybody who may deploy; needs no gate, because the old release has served before. It does not wait for the release job.',
    'on:',
    '  workflow_dispatch:',
    '    inputs:',
    '      reason: { description: "Why, in one sentence", required: true, type: string }',
    ...(way.backNeedsRelease
      ? ['      release: { description: "The release that served before", required: true, type: string }']
      : []),
    ...(way.ours
      ? []
      : [
          '      break_glass: { description: "Only to go where the ledger does not allow it: why. Loud, and in the evidence", default: "", type: string }',
        ]),
    'permissions: { contents: read }',
    `concurrency: { group: ${service.service.id}-rollback, cancel-in-progress: false }`,
    'jobs:',
    '  rollback:',
    ...runnerOf(way),
    `    # ${service.deployment.rollback.maxMinutes} min are promised for the way back.`,
    `    timeout-minutes: ${service.deployment.rollback.maxMinutes}`,
    ...identity(way),
    `    environment: ${productionOf(service)}-rollback`,
    '    steps:',
    ...toolsOf(way),
    ...credentials(way),
    `      - run: ${way.back(way.backNeedsRelease ? '"$RELEASE"' : '', '"$REASON"', '"$WHO"').trimEnd()}`,
    '        env:',
    ...(way.backNeedsRelease ? [RELEASE] : []),
    ...BY,
    ...(way.ours ? [] : [TOLD[1]!]),
    ...surroundings(service, way),
    ...(way.status
      ? [
          '      - if: always()',
          `        run: ${way.status}`,
          '        env:',
          `          DATABASE_URL: ${gh('secrets.HOLDFAST_DATABASE_URL')}`,
        ]
      : []),
    ...(way.ours ? [] : EVIDENCE_KEPT),
  ].join('\n')
}

/** What is left of a schema change when nobody goes back any more: old data, and the old shape. Never beside a release. */
export function schemaWorkflow(service: Service): string {
  const way = wayOf(service)
  const { run, minutes } = way.schema!
  return [
    `name: Finish the schema of ${service.service.id}`,
    '# By hand, when the rollback window of the release that serves has closed; the script refuses before.',
    'on:',
    '  workflow_dispatch:',
    '    inputs:',
    '      release: { description: "The release that serves", required: true, type: string }',
    '      reason: { description: "Why, in one sentence", required: true, type: string }',
    'permissions: { contents: read }',
    '# In one line with the releases: never beside one.',
    `concurrency: { group: ${service.service.id}-production, cancel-in-progress: false }`,
    'jobs:',
    '  schema:',
    ...runnerOf(way, true),
    `    # old data, the old shape, and the proof: ${minutes} min at most`,
    `    timeout-minutes: ${Math.min(jobMinutesMax(way), minutes + AROUND_MINUTES)}`,
    ...identity(way),
    `    environment: ${productionOf(service)}`,
    '    steps:',
    ...toolsOf(way),
    ...credentials(way),
    ...runLines(way, run('"$RELEASE"')),
    '        env:',
    RELEASE,
    ...BY,
    ...database(way),
    ...surroundings(service, way),
    ...EVIDENCE_KEPT,
  ].join('\n')
}
