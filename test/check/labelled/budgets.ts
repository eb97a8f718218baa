/** Windows against peaks, queues against the work on them, websockets at a reload, and what agents must read. */
import type { Case } from './case.ts'

const gates = [
  'gate-tests',
  'gate-security-scan',
  'gate-accessibility',
  'gate-approval',
  'rollback-path',
  'rollback-rehearsed',
  'stable-but-rolled-back',
  'deploy-waits',
  'schedule-local-time',
  'deploy-timeout',
  'deploy-concurrency',
]
const definition = (peaks: string, more = '') => `service: { id: claims, name: Claims }\npeaks:\n${peaks}${more}`
const payRun =
  '  - { id: pay, name: the payment run, rrule: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", local: "18:00-23:30" }\n'
const lastDay = '  - { id: last, name: the last day, rrule: "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31", daysBefore: 2 }\n'
const scheduled = (cron: string, run = 'cdk deploy', zone = '') =>
  `on: { schedule: [{ cron: "${cron}"${zone} }] }\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: ${run} }]\n`
const window = (cron: string, zone?: string) =>
  JSON.stringify({
    pipeline: {
      name: 'web',
      stages: [
        { name: 'Source', actions: [{ name: 'S', actionTypeId: { category: 'Source', provider: 'S3' } }] },
        {
          name: 'Production',
          beforeEntry: {
            conditions: [
              {
                result: 'FAIL',
                rules: [
                  {
                    name: 'Window',
                    ruleTypeId: { category: 'Rule', owner: 'AWS', provider: 'DeploymentWindow', version: '1' },
                    configuration: { Cron: cron, ...(zone ? { TimeZone: zone } : {}) },
                  },
                ],
              },
            ],
          },
          actions: [{ name: 'Deploy', actionTypeId: { category: 'Deploy', provider: 'ECS' } }],
        },
      ],
    },
  })
const peak = (
  name: string,
  yaml: string,
  path: string,
  text: string,
  finds: readonly string[],
  open: readonly string[] = [],
): Case => ({
  name,
  files: { 'service.yaml': yaml, [path]: text },
  finds,
  may: gates,
  open,
})
const cd = '.github/workflows/cd.yml'
const wrong = ['deploy-in-peak']

const queue = (seconds: number, container: string) => `Resources:
  Jobs: { Type: AWS::SQS::Queue, Properties: { VisibilityTimeout: ${seconds} } }
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: app
          Image: "r/app@sha256:1111111111111111111111111111111111111111111111111111111111111111"
          StopTimeout: 110
          Environment: [{ Name: QUEUE_URL, Value: !Ref Jobs }]
${container}`
const sam = (seconds: number) =>
  `Transform: AWS::Serverless-2016-10-31\nResources:\n  Letters: { Type: AWS::SQS::Queue, Properties: { VisibilityTimeout: ${seconds} } }\n  Print:\n    Type: AWS::Serverless::Function\n    Properties:\n      Timeout: 120\n      AutoPublishAlias: live\n      Events: { Queue: { Type: SQS, Properties: { Queue: !GetAtt Letters.Arn } } }\n`
const socket =
  'location /live { proxy_pass http://app; proxy_read_timeout 1h; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }'
const nginx = (head: string, inner: string) =>
  `${head}events {}\nhttp {\n  server {\n    error_page 502 503 504 /503.html;\n    proxy_next_upstream off;\n    location / { proxy_pass http://app; }\n    ${inner}\n  }\n}\n`
const haproxy = (head: string) =>
  `global\n  maxconn 100\n${head}defaults\n  timeout client 30s\n  timeout server 30s\n  timeout tunnel 1h\n  errorfile 503 /etc/haproxy/503.http\nbackend app\n  option httpchk GET /health/ready\n  server a 10.0.0.1:80 check\n`
const words = (count: number) => 'The queue of letters is watched. '.repeat(count)

export const budgets: readonly Case[] = [
  peak('half past five in UTC is the payment run in summer', definition(payRun), cd, scheduled('30 17 * * 2'), wrong),
  peak(
    'half past five in London is before it all year',
    definition(payRun),
    cd,
    scheduled('30 17 * * 2', 'cdk deploy', ', timezone: Europe/London'),
    [],
  ),
  peak('half past six in UTC is the payment run all year', definition(payRun), cd, scheduled('30 18 * * 1-5'), wrong),
  peak('at the weekend there is no payment run', definition(payRun), cd, scheduled('30 18 * * 6,0'), []),
  peak(
    'half past eleven at night in UTC is after it in both halves of the year',
    definition(payRun),
    cd,
    scheduled('30 23 * * *'),
    [],
  ),
  peak(
    'half past ten at night in UTC is after it in summer only',
    definition(payRun),
    cd,
    scheduled('30 22 * * 3'),
    wrong,
  ),
  peak('a daily deployment meets the days before the last day', definition(lastDay), cd, scheduled('0 9 * * *'), wrong),
  peak('a deployment in June does not', definition(lastDay), cd, scheduled('0 9 1 6 *'), []),
  peak(
    'a peak that does not close releases',
    definition(payRun.replace(' }', ', freeze: false }')),
    cd,
    scheduled('30 18 * * *'),
    [],
  ),
  peak(
    'a peak that the windows deny by name',
    definition(payRun.replace(' }', ', freeze: false }'), 'deployment: { windows: { deny: [pay] } }\n'),
    cd,
    scheduled('30 18 * * *'),
    wrong,
  ),
  peak(
    'outside of the hours for releases',
    definition(
      lastDay,
      'deployment: { windows: { allow: [{ id: mornings, rrule: "FREQ=WEEKLY;BYDAY=TU,WE", local: "10:00-12:00" }] } }\n',
    ),
    cd,
    scheduled('0 14 * 6 2'),
    wrong,
  ),
  peak(
    'inside of them, in summer as in winter',
    definition(
      payRun,
      'deployment: { windows: { allow: [{ id: mornings, rrule: "FREQ=WEEKLY;BYDAY=TU,WE", local: "10:00-12:00" }] } }\n',
    ),
    cd,
    scheduled('30 10 * * 2'),
    [],
  ),
  peak(
    'bank holidays are a peak',
    definition('  - { id: calls, calendar: bank-holidays }\n'),
    cd,
    scheduled('0 9 * * 1'),
    wrong,
  ),
  peak(
    'a peak that an event sets off',
    definition('  - { id: flood, event: flood warnings }\n'),
    cd,
    scheduled('0 9 * * 1'),
    [],
  ),
  peak(
    'Holdfast asks the calendar each time',
    definition(payRun),
    cd,
    scheduled('30 18 * * *', 'holdfast deploy start --release 7'),
    [],
  ),
  peak('a cron that we do not read', definition(payRun), cd, scheduled('0 18 L * *'), [], wrong),
  peak(
    'a window of CodePipeline that is open in the payment run',
    definition(payRun),
    'pipeline.json',
    window('* * 9-18 ? * MON-FRI', 'Europe/London'),
    wrong,
  ),
  peak(
    'a window of CodePipeline that closes before it',
    definition(payRun),
    'pipeline.json',
    window('* * 9-16 ? * MON-FRI', 'Europe/London'),
    [],
  ),
  peak(
    'the same window in UTC is open in the payment run in summer',
    definition(payRun),
    'pipeline.json',
    window('* * 9-17 ? * MON-FRI'),
    wrong,
  ),
  peak(
    'a nightly Jenkins build in the payment run, by London time',
    definition(payRun),
    'Jenkinsfile',
    "pipeline {\n  agent any\n  triggers { cron('TZ=Europe/London\\nH 19 * * 1-5') }\n  stages { stage('Deploy to production') { steps { sh 'cdk deploy' } } }\n}\n",
    wrong,
  ),
  peak(
    'the same without a zone, at an hour that only summer makes a peak',
    definition(payRun),
    'Jenkinsfile',
    "pipeline {\n  agent any\n  triggers { cron('30 17 * * 1-5') }\n  stages { stage('Deploy to production') { steps { sh 'cdk deploy' } } }\n}\n",
    [],
    wrong,
  ),
  {
    name: 'a worker that may work longer than its message stays hidden',
    files: { 'stack.yaml': queue(30, '') },
    finds: ['queue-visibility'],
  },
  { name: 'a worker whose message stays hidden', files: { 'stack.yaml': queue(300, '') }, finds: [] },
  {
    name: 'the web server that only puts messages in',
    files: { 'stack.yaml': queue(30, '          PortMappings: [{ ContainerPort: 8080 }]\n') },
    finds: [],
  },
  {
    name: 'a SAM function slower than its queue',
    files: { 'template.yaml': sam(60) },
    finds: ['queue-visibility'],
    may: ['all-at-once', 'rollback-time-lambda'],
  },
  {
    name: 'a SAM function with time to spare',
    files: { 'template.yaml': sam(720) },
    finds: [],
    may: ['all-at-once', 'rollback-time-lambda'],
  },
  {
    name: 'websockets that keep the workers of before',
    files: { 'nginx.conf': nginx('', socket) },
    finds: ['websocket-drain'],
    may: ['front-checks-health'],
  },
  {
    name: 'a quiet websocket is no long request',
    files: { 'nginx.conf': nginx('worker_shutdown_timeout 90s;\n', socket) },
    finds: [],
    may: ['front-checks-health'],
  },
  {
    name: 'a fragment without its main file says nothing about websockets',
    files: { 'nginx/conf.d/live.conf': `server { error_page 502 503 504 /503.html; ${socket} }\n` },
    finds: [],
    may: ['front-checks-health'],
  },
  {
    name: 'tunnels that keep old processes of HAProxy',
    files: { 'haproxy.cfg': haproxy('') },
    finds: ['websocket-drain'],
  },
  { name: 'tunnels that end', files: { 'haproxy.cfg': haproxy('  hard-stop-after 10m\n') }, finds: [] },
  { name: 'an AGENTS.md that fills the window', files: { 'AGENTS.md': words(600) }, finds: ['kiro-tokens'] },
  {
    name: 'a CLAUDE.md that draws in what fills the window',
    files: { 'CLAUDE.md': '# Claims\n\nSee @docs/service.md.\n', 'docs/service.md': words(1) },
    finds: [],
  },
  {
    name: 'a CLAUDE.md that draws in a manual',
    files: { 'CLAUDE.md': '# Claims\n\nSee @AGENTS.md for all of it.\n', 'AGENTS.md': words(400) },
    finds: ['kiro-tokens'],
  },
  {
    name: 'a short AGENTS.md and instructions for Copilot',
    files: { 'AGENTS.md': words(30), '.github/copilot-instructions.md': words(30) },
    finds: [],
  },
]
