import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waysBack } from './rollback/ways.ts'
import { ecsSlots, estimate, kubeSlots } from './rollback-time.ts'
import { worldOf } from './world.ts'

const ways = (files: Readonly<Record<string, string>>) =>
  waysBack(worldOf({ files: Object.entries(files).map(([path, text]) => ({ path, text })), problems: [] }, 0)).map(
    (answer) =>
      'way' in answer
        ? `${answer.way.platform} ${answer.way.what}: ${answer.way.low}/${answer.way.likely}/${answer.way.high} s`
        : `${answer.unsettled.platform} ${answer.unsettled.what}: cannot tell`,
  )

// desired, minimum %, maximum % → batches × (pull 30 + start 60 + health 150 [+ drain 300 + stop 30]) after an alarm of 240 s.
const vectors = [
  { desired: 4, min: 100, max: 200, health: 150, drain: 0, seconds: 480 },
  { desired: 10, min: 100, max: 110, health: 150, drain: 0, seconds: 2_640 },
  { desired: 2, min: 50, max: 100, health: 150, drain: 330, seconds: 1_380 },
  { desired: 4, min: 100, max: 200, health: 20, drain: 0, seconds: 350 },
]
for (const { desired, min, max, health, drain, seconds } of vectors) {
  test(`ECS, ${desired} tasks, ${min} to ${max} %: ${seconds} s`, () => {
    const { up, down } = ecsSlots(desired, min, max)
    const { likely } = estimate({
      count: desired,
      atOnce: up || down,
      healthS: health,
      healthSum: '',
      drainS: up ? 0 : drain,
      detectS: 240,
    })
    assert.equal(likely, seconds)
  })
}

test('three tasks, 100 to 110 %: neither up nor down, so a deployment never moves', () => {
  assert.deepEqual(ecsSlots(3, 100, 110), { up: 0, down: 0 })
})

test('Kubernetes rounds the surge up and what may be away down', () => {
  assert.deepEqual(kubeSlots(3, '25%', '25%'), { surge: 1, unavailable: 0 })
  assert.deepEqual(kubeSlots(10, '25%', '25%'), { surge: 3, unavailable: 2 })
  assert.deepEqual(kubeSlots(4, 0, 0), { surge: 0, unavailable: 1 })
})

test('an alarm that takes an ECS service back is part of the sum, with the lines it came from', () => {
  const files = {
    'web.tf': `resource "aws_ecs_service" "web" {
  desired_count = 4
  load_balancer { target_group_arn = aws_lb_target_group.web.arn }
  alarms {
    enable      = true
    rollback    = true
    alarm_names = [aws_cloudwatch_metric_alarm.errors.alarm_name]
  }
}
resource "aws_lb_target_group" "web" { port = 8080 }
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name         = "errors"
  period             = 60
  evaluation_periods = 3
}
`,
  }
  const [answer] = waysBack(
    worldOf({ files: Object.entries(files).map(([path, text]) => ({ path, text })), problems: [] }, 0),
  )
  assert.ok(answer && 'way' in answer)
  assert.equal(answer.way.likely, 480)
  assert.match(answer.way.arithmetic, /notice 60 × 3 \+ 60 = 240 \(errors\).*web\.tf:13/)
})

const rollout = (spec: string, strategy: string) => `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web }
spec:
  replicas: 4
${spec}  strategy:
${strategy}  template:
    spec: { containers: [{ name: app, ports: [{ containerPort: 8080 }] }] }
`
const analysis = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: { name: success }
spec:
  metrics: [{ name: success-rate, interval: 5m, failureLimit: 3 }]
`

test('the documented Argo example notices after 10 + 3 × 5 minutes', () => {
  const canary = `    canary:
      trafficRouting: { alb: {} }
      analysis: { startingStep: 2, templates: [{ templateName: success }] }
      steps: [{ setWeight: 20 }, { pause: { duration: 10m } }, { setWeight: 40 }]
`
  assert.deepEqual(ways({ 'r.yaml': `${rollout('', canary)}---\n${analysis}` }), [
    'Argo Rollouts web: 1530/1530/1530 s',
    'Argo Rollouts web: 645/690/780 s',
  ])
})

test('a rollback window skips the steps, and a pause for a person leaves the time open', () => {
  const canary = '    canary: { steps: [{ setWeight: 20 }, { pause: {} }] }\n'
  assert.deepEqual(ways({ 'r.yaml': rollout('', canary) }), ['Argo Rollouts web: cannot tell'])
  assert.deepEqual(ways({ 'r.yaml': rollout('  rollbackWindow: { revisions: 3 }\n', canary) }), [
    'Argo Rollouts web: 45/90/180 s',
  ])
})

test('Flagger counts before it adds: ten failed looks of a minute take eleven', () => {
  const canary =
    'apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: { name: web }\nspec:\n  analysis: { interval: 1m, threshold: 10, maxWeight: 50, stepWeight: 5 }\n'
  assert.deepEqual(ways({ 'c.yaml': canary }), ['Flagger web: 690/690/690 s', 'Flagger web: 705/750/840 s'])
})

test('an ECS blue-green service goes back in seconds while the old revision bakes, and as a whole deployment after', () => {
  const service = (bake: string) =>
    `resource "aws_ecs_service" "web" {\n  deployment_configuration {\n    strategy = "LINEAR"\n${bake}  }\n}\n`
  assert.deepEqual(ways({ 'web.tf': service('') }), ['ECS web: 30/30/30 s'])
  assert.deepEqual(ways({ 'web.tf': service('    bake_time_in_minutes = 5\n') }), ['ECS web: 3325/3370/3460 s'])
})

test('a stack without swarm settings has no way back that takes time', () => {
  assert.deepEqual(ways({ 'docker-compose.prod.yml': 'services:\n  web: { image: a, ports: ["80:80"] }\n' }), [])
})
