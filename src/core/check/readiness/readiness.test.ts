import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadService } from '../../define/load.ts'
import { judgeWorld } from '../judge.ts'
import { RULES } from '../table.ts'
import { worldOf } from '../world.ts'
import { readinessHtml, readinessText } from './page.ts'
import { readinessOf } from './readiness.ts'

const TODAY = Date.parse('2026-11-23T09:00:00Z')
const definition = readFileSync(new URL('../../../../examples/heating-payment/service.yaml', import.meta.url), 'utf8')
const { service } = loadService(definition, 'service.yaml')

function ready(files: Readonly<Record<string, string>>, defined = true) {
  const tree = {
    files: Object.entries(files).map(([path, text]) => ({ path, text })),
    problems: [],
    paths: Object.keys(files),
  }
  const world = worldOf(tree, TODAY)
  return readinessOf({ world, report: judgeWorld(world, RULES), ...(defined && service ? { service } : {}) })
}

function box(files: Readonly<Record<string, string>>, id: string, defined = true) {
  return ready(files, defined)
    .groups.flatMap((group) => group.boxes)
    .find((one) => one.id === id)!
}

test('the twenty boxes and the five questions of the playbook, also where there is nothing', () => {
  const { groups, answers, yes, no, person } = ready({}, false)
  assert.equal(groups.flatMap((group) => group.boxes).length, 20)
  assert.equal(answers.length, 5)
  assert.deepEqual([yes, yes + no + person], [0, 20])
  assert.ok(answers.every(({ answer }) => answer !== 'yes'))
})

test('a rollback that was rehearsed in time, too slowly, too long ago, or not at all', () => {
  const doc = (words: string) => ({ 'docs/rollback.md': `# Rollback\n\n${words}\n` })
  assert.equal(box(doc('Rehearsed on 2026-10-01: it took 7 minutes.'), 'rollback').state, 'yes')
  assert.match(box(doc('Rehearsed on 2026-10-01: it took 25 minutes.'), 'rollback').because, /took 25 minutes/)
  assert.equal(box(doc('Rehearsed on 2024-10-01: it took 7 minutes.'), 'rollback').state, 'no')
  assert.equal(box(doc('Can be rehearsed.'), 'rollback').state, 'person')
})

test('a way back that the files make too long says no, whatever a document claims', () => {
  const files = {
    'docs/rollback.md': 'Rehearsed on 2026-10-01: it took 7 minutes.\n',
    'web.tf':
      'resource "aws_ecs_service" "web" {\n  desired_count = 10\n  deployment_maximum_percent = 110\n  load_balancer { target_group_arn = aws_lb_target_group.web.arn }\n}\nresource "aws_lb_target_group" "web" { port = 80 }\n',
  }
  assert.match(box(files, 'rollback').because, /Taking web back takes about 40 min/)
})

test('a failure mode without a runbook is named', () => {
  const some = { 'runbooks/submissions-fail.md': '# Submissions fail\n\nCitizens see an error after they submit.\n' }
  const { state, because } = box(some, 'runbooks')
  assert.equal(state, 'no')
  assert.doesNotMatch(because, /Submissions fail/)
  assert.match(because, /There is none for "/)
})

test('a specification that forgets accessibility says so', () => {
  const spec = (words: string) => ({ '.kiro/specs/deployment-pipeline/requirements.md': `${words}\n` })
  const most = 'Unit tests, integration tests, a security scan; and it rolls back.'
  assert.match(box(spec(most), 'pipeline-spec').because, /does not speak of accessibility checks/)
  assert.equal(box(spec(`${most} WCAG.`), 'pipeline-spec').state, 'yes')
})

test('the page says what the text says, without script or request', () => {
  const readiness = ready({ 'docs/<b>rollback.md': 'Rehearsed on 2026-10-01: it took 7 minutes.\n' })
  const html = readinessHtml(readiness)
  assert.doesNotMatch(html, /<script|https?:|<b>|undefined/)
  for (const group of readiness.groups)
    for (const { because } of group.boxes) assert.ok(readinessText(readiness).includes(because), because)
})

test('alarms of CloudWatch that wake somebody are tried on faults, like alerts', () => {
  const alarm = (datapoints: number) => ({
    'alarms.yaml': `Resources:\n  Topic: { Type: AWS::SNS::Topic }\n  Errors:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      AlarmDescription: Citizens cannot submit\n      Namespace: AWS/ApplicationELB\n      MetricName: HTTPCode_Target_5XX_Count\n      Statistic: Sum\n      Period: 60\n      EvaluationPeriods: 3\n      DatapointsToAlarm: ${datapoints}\n      Threshold: 5\n      ComparisonOperator: GreaterThanThreshold\n      TreatMissingData: notBreaching\n      Dimensions: [{ Name: LoadBalancer, Value: app/web/1 }]\n      AlarmActions: [!Ref Topic]\n`,
  })
  const good = box(alarm(2), 'alerts-first', false)
  assert.equal(good.state, 'yes', good.because)
  assert.match(good.because, /^1 alert that wake/)
  assert.equal(box(alarm(5), 'alerts-first', false).state, 'no')
  assert.equal(box(alarm(2), 'thresholds', false).state, 'person')
})

test('gates that only the definition names are no answer: the pipeline has to show them', () => {
  const catches = (files: Readonly<Record<string, string>>) => ready(files).answers[0]!
  assert.equal(catches({}).answer, 'cannot tell')
  const cd = (steps: string) => ({
    '.github/workflows/cd.yml': `on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [${steps}{ run: ./deploy.sh }]\n`,
  })
  assert.equal(catches(cd('')).answer, 'no')
  const three = '{ run: npm test }, { run: npm audit }, { run: npx pa11y-ci }, '
  assert.equal(catches(cd(three)).answer, 'yes')
  assert.match(catches(cd(three)).says, /^The pipeline has tests, a security scan and an accessibility check\./)
})
