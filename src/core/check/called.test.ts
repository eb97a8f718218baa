/** Workflows that only others of the tree start, destroyed data in a plan, and reports that end before they begin. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from './judge.ts'
import { RULES } from './table.ts'

function found(files: Readonly<Record<string, string>>, ...rules: readonly string[]): readonly string[] {
  const tree = { files: Object.entries(files).map(([path, text]) => ({ path, text })), problems: [] }
  const asked = RULES.filter(({ id }) => rules.length === 0 || rules.includes(id))
  return judge(tree, asked, Date.parse('2026-11-23T09:00:00Z')).findings.map(
    ({ rule, file, line, says }) => `${rule} ${file}:${line} ${says}`,
  )
}

const MAIN = '.github/workflows/main.yml'
const SHIP = '.github/workflows/ship.yml'
const RULES_OF_DEPLOYS = [
  'gate-tests',
  'gate-security-scan',
  'gate-approval',
  'deploy-timeout',
  'deploy-concurrency',
  'deploy-window',
  'workflow-permissions',
]
const main = (needs: string, concurrency = 'concurrency: { group: production, cancel-in-progress: false }\n') =>
  `on: push\npermissions: { contents: read }\n${concurrency}jobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{ run: npm test }, { run: trivy fs --exit-code 1 . }]\n  ship:\n${needs}    uses: ./.github/workflows/ship.yml\n`
const ship = (on: string, over = '    timeout-minutes: 10\n') =>
  `on: ${on}\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n${over}    environment: production\n    steps: [{ run: ./deploy.sh }]\n`

test('what the caller of a workflow holds, holds for the called one', () => {
  const says = found({ [MAIN]: main('    needs: test\n'), [SHIP]: ship('workflow_call') }, ...RULES_OF_DEPLOYS)
  assert.deepEqual(
    says.map((one) => one.split(' ').slice(0, 2).join(' ')),
    [`deploy-window ${MAIN}:8`, `gate-approval ${MAIN}:8`],
  )
})

test('a called workflow that may hang is found where its time-out would stand', () => {
  const says = found({ [MAIN]: main('    needs: test\n'), [SHIP]: ship('workflow_call', '') }, 'deploy-timeout')
  assert.deepEqual(says, [`deploy-timeout ${SHIP}:3 "deploy" may hang for 360 minutes before anybody is told.`])
})

test('a caller that waits for nothing is found, once', () => {
  const says = found({ [MAIN]: main('', ''), [SHIP]: ship('workflow_call') }, 'gate-tests', 'deploy-concurrency')
  assert.deepEqual(says, [
    `gate-tests ${MAIN}:7 "ship" does not wait for "test", which runs the test beside it.`,
    `deploy-concurrency ${MAIN}:7 Two runs of "ship" may overlap: the workflow has no concurrency group.`,
  ])
})

test('a workflow that can also start by itself answers for itself', () => {
  const files = { [MAIN]: main('    needs: test\n'), [SHIP]: ship('[workflow_call, push]') }
  assert.ok(found(files, 'deploy-concurrency').some((one) => one.includes(SHIP)))
})

test('a plan that deletes or replaces what holds citizens’ data is an error; a protected one is refused anyway', () => {
  const plan = (actions: readonly string[], before: object) =>
    JSON.stringify({
      format_version: '1.2',
      terraform_version: '1.9.0',
      resource_changes: [{ address: 'aws_db_instance.db', type: 'aws_db_instance', change: { actions, before } }],
    })
  const says = (...given: Parameters<typeof plan>) => found({ 'plan.json': plan(...given) }, 'stateful-kept')
  assert.deepEqual(says(['delete'], {}), [
    'stateful-kept plan.json:1 The plan deletes aws_db_instance.db, and its data with it.',
  ])
  assert.equal(says(['delete', 'create'], {}).length, 1)
  assert.deepEqual(says(['update'], {}), [])
  assert.deepEqual(says(['delete'], { deletion_protection: true }), [])
})

test('an incident that ends before it began, or goes back between dated lines, is not believed', () => {
  const about = (body: string) =>
    found({ 'incidents/a.md': `# Outage\n\n${body}\n\n## Actions\n\n- Fix it (owner: lead, due 2026-02-01)\n` }).filter(
      (one) => /comes before|goes back|noticed/.test(one),
    )
  const lines = (...times: readonly string[]) =>
    `Alert.\n\n## Timeline\n\n${times.map((time) => `- ${time} x`).join('\n')}`
  assert.equal(about(lines('2026-01-10 10:45', '2026-01-10 10:15')).length, 1)
  assert.equal(about(lines('2026-01-10 10:45', '2026-01-09 11:15')).length, 1)
  assert.deepEqual(about(lines('2026-01-10 23:45', '2026-01-11 00:15')), [])
  assert.deepEqual(about(lines('23:45', '00:15')), [])
  const fields = (end: string) =>
    `Alert.\n\n| Started | 2026-01-10 10:00 |\n| Detected | 2026-01-10 10:30 |\n| Resolved | ${end} |`
  assert.deepEqual(about(fields('2026-01-10 09:00')), [
    'incident-report incidents/a.md:7 The end (2026-01-10 09:00) comes before the detection (2026-01-10 10:30).',
  ])
  assert.deepEqual(about(fields('2026-01-11 09:00')), [])
  assert.deepEqual(about('Detected: 10:30'), [
    'incident-report incidents/a.md:1 The report does not say how the incident was noticed.',
  ])
})

test('what a Jenkinsfile deploys after its stages, whatever came of them', () => {
  const jenkins = (block: string) => ({
    Jenkinsfile: `pipeline {\n  agent any\n  stages { stage('Test') { steps { sh 'npm test' } } }\n  post { ${block} }\n}\n`,
  })
  const deploys = (block: string) => found(jenkins(block), 'deploy-after-failure')
  assert.deepEqual(deploys("always { sh './deploy.sh production' }"), [
    'deploy-after-failure Jenkinsfile:4 "post always" deploys even when a job before it failed: always().',
  ])
  assert.deepEqual(deploys("success { sh './deploy.sh production' }"), [])
  assert.deepEqual(
    deploys("always { script { if (currentBuild.result == 'SUCCESS') { sh './deploy.sh production' } } }"),
    [],
  )
  assert.deepEqual(deploys("failure { sh './deploy.sh production previous' }"), [])
  const scan = found(jenkins("success { sh './deploy.sh production' }"), 'gate-security-scan')
  assert.equal(scan.length, 1, 'it is a deployment, and has no scan')
})

test('a schedule that holds only in winter does not move with the clocks', () => {
  const at = (cron: string) =>
    found(
      {
        [MAIN]: `on: { schedule: [{ cron: "${cron}" }] }\njobs: { deploy: { environment: production, steps: [{ run: ./deploy.sh }] } }\n`,
      },
      'schedule-local-time',
    ).length
  assert.deepEqual([at('30 8 31 1 *'), at('30 8 * 11-12,1 *'), at('30 8 31 3 *'), at('30 8 * * *')], [0, 0, 1, 1])
})

test('what a file lacks is no error when part of the file cannot be read', () => {
  const service = (line: string) => ({
    'main.tf': `resource "aws_ecs_service" "a" {\n${line}  deployment_circuit_breaker {\n    enable = true\n    rollback = true\n  }\n}\n`,
  })
  const severities = (line: string) => {
    const tree = { files: Object.entries(service(line)).map(([path, text]) => ({ path, text })), problems: [] }
    return judge(tree, RULES, Date.parse('2026-11-23T09:00:00Z')).findings.map(
      ({ rule, severity }) => `${rule} ${severity}`,
    )
  }
  assert.deepEqual(severities(''), [])
  assert.deepEqual(severities('  future := syntax ~> { x }\n'), ['ecs-auto-rollback warn', 'unreadable warn'])
})
