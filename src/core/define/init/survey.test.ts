import assert from 'node:assert/strict'
import test from 'node:test'
import { survey } from './survey.ts'

type Files = Readonly<Record<string, string>>

const tree = (files: Files) => Object.entries(files).map(([path, text]) => ({ path, text }))
const seen = (files: Files) =>
  survey(tree(files)).sights.map(
    (sight) =>
      `${sight.what} ${sight.of ? `${sight.of} ` : ''}${sight.value} @${sight.line}${sight.soft ? ' soft' : ''}`,
  )

test('each kind of file shows what it says, and where', () => {
  const cases: readonly [string, string, readonly string[]][] = [
    [
      'package.json',
      '{\n "name": "@team/permits",\n "scripts": { "start": "node migrate.js && node a.js", "axe": "axe ." },\n "dependencies": { "pg": "8", "notifications-node-client": "8" }\n}',
      [
        'name permits @2',
        'command node migrate.js && node a.js @3',
        'migrate-on-start node migrate.js && node a.js @3',
        'gate accessibility @3',
        'database postgres @4',
        'dependency govuk-notify @4',
      ],
    ],
    ['Gemfile', "gem 'rails'\ngem 'sidekiq'\n", ['queue redis @2']],
    [
      'Dockerfile',
      'FROM node\nHEALTHCHECK CMD curl http://localhost:3000/healthz\nCMD ["node", "a.js"]\n',
      ['ready /healthz @2', 'command node a.js @3'],
    ],
    [
      'compose.yaml',
      'services:\n  app: { build: ., ports: ["80:80"], stop_grace_period: 40s, deploy: { replicas: 3 } }\n  db: { image: "postgres:16" }\n',
      ['component app web @2', 'stop-seconds app 40 @2', 'replicas app 3 @2', 'database db postgres @3'],
    ],
    [
      'deploy/task.json',
      '{ "containerDefinitions": [\n { "name": "web", "image": "r/web:1", "portMappings": [{ "containerPort": 80 }], "stopTimeout": 70, "memory": 512, "secrets": [{ "name": "DB_URL" }] }\n] }',
      [
        'platform ecs @1',
        'component web web @2',
        'port web 80 @2',
        'image web r/web:1 @2',
        'stop-seconds web 70 @2',
        'memory-mb web 512 @2',
        'secret-env web DB_URL @2',
      ],
    ],
    [
      'infra/main.tf',
      'resource "aws_ecs_service" "web" {\n  desired_count = 4\n}\nresource "aws_cloudwatch_metric_alarm" "errors" {\n}\n',
      ['infrastructure terraform @1', 'platform ecs @1', 'alert errors @4', 'replicas 4 @2'],
    ],
    [
      'stack.yaml',
      'Resources:\n  Fn:\n    Type: AWS::Lambda::Function\n  A:\n    Type: AWS::CloudWatch::Alarm\n',
      ['infrastructure cloudformation @2', 'platform lambda @2', 'component Fn function @2', 'alert A @4'],
    ],
    [
      '.github/workflows/x.yml',
      'jobs:\n  a:\n    steps:\n      - run: pytest\n      - uses: aws-actions/amazon-ecs-deploy-task-definition@v2\n',
      ['pipeline github-actions @1', 'gate unit @4', 'deploy amazon-ecs-deploy-task-definition @5'],
    ],
    [
      'cloudformation/service.yml',
      'Resources:\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n        - { Name: web, Image: "r/web@sha256:1", StopTimeout: 70 }\n  G:\n    Type: AWS::ElasticLoadBalancingV2::TargetGroup\n    Properties: { HealthCheckPath: /ready }\n  S:\n    Type: AWS::ECS::Service\n    Properties: { DesiredCount: 4 }\n',
      [
        'infrastructure cloudformation @2',
        'platform ecs @2',
        'component web unknown @6',
        'image web r/web@sha256:1 @6',
        'stop-seconds web 70 @6',
        'replicas web 4 @12',
        'ready /ready @9',
      ],
    ],
    [
      'infra/lb.tf',
      'resource "aws_lb_target_group" "web" {\n  health_check {\n    path = "/healthz"\n  }\n  tags = { path = "/no" }\n}\n',
      ['infrastructure terraform @1', 'ready /healthz @3'],
    ],
    [
      'buildspec.yml',
      'phases:\n  build:\n    commands:\n      - mvn verify\n',
      ['pipeline codepipeline @1', 'gate unit @4'],
    ],
    [
      '.gitlab-ci.yml',
      'test:\n  script: pytest\ndeploy:\n  script: terraform apply\n',
      ['pipeline other @1', 'gate unit @2', 'deploy terraform apply @4'],
    ],
    [
      'pyproject.toml',
      '[project]\nname = "permits"\ndependencies = ["psycopg2"]\n',
      ['database postgres @3', 'name permits @2'],
    ],
    [
      'pom.xml',
      '<project>\n  <parent>\n    <artifactId>spring-boot-starter-parent</artifactId>\n  </parent>\n  <artifactId>permits</artifactId>\n</project>\n',
      ['name permits @5'],
    ],
    [
      'go.mod',
      'module example.gov.uk/team/rates/v2\n\nrequire (\n\tgithub.com/jackc/pgx/v5 v5.6.0\n)\n',
      ['database postgres @4', 'name rates @1'],
    ],
    ['Jenkinsfile', "stage('t') { sh 'mvn verify' }\n", ['pipeline jenkins @1', 'gate unit @1']],
    [
      'rules.yml',
      'groups:\n  - name: g\n    rules:\n      - alert: SubmitFails\n        expr: vector(1)\n',
      ['alert SubmitFails @4'],
    ],
    ['db/migrate/001_x.rb', '', ['migrations db/migrate @1']],
    [
      'template.yaml',
      'Resources:\n  S:\n    Type: AWS::ECS::Service\n    Properties: { DesiredCount: !Ref N }\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n        - { Name: web, Image: !Sub "$' +
        '{Repo}:1", StopTimeout: 45 }\n        - { Name: xray-daemon, Image: amazon/aws-xray-daemon }\n  G:\n    Type: AWS::ElasticLoadBalancingV2::TargetGroup\n    Properties: { HealthCheckPath: /health }\n',
      [
        'infrastructure cloudformation @2',
        'platform ecs @2',
        'component web unknown @9',
        `undecided web image: Fn::Sub \${Repo}:1 @9`,
        'stop-seconds web 45 @9',
        'undecided web replicas: Ref N @4',
        'ready /health @13',
      ],
    ],
    [
      'monitoring/rules.yaml',
      'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n  groups:\n    - name: g\n      rules:\n        - alert: SubmitFails\n          expr: vector(1)\n',
      ['alert SubmitFails @7'],
    ],
    [
      'docker-compose.yml',
      'services:\n  web: { build: ., expose: [80], stop_grace_period: 1m30s }\n  mail: { image: mailhog/mailhog }\n',
      ['component web web @2', 'stop-seconds web 90 @2'],
    ],
    ['Procfile', 'web: rails s\nrelease: rails db:migrate\n', ['component web web @1', 'command web rails s @1']],
    ['docs/runbooks/db.md', '# x', ['runbook docs/runbooks/db.md @1']],
    ['config/locales/cy.yml', 'cy: {}', ['language cy @1']],
  ]
  for (const [path, text, wanted] of cases) assert.deepEqual(seen({ [path]: text }), wanted, path)
})

test('an ECS task in Terraform shows its containers, wherever they are written', () => {
  const service =
    'resource "aws_ecs_service" "web" {\n  task_definition = aws_ecs_task_definition.web.arn\n  desired_count = var.count\n  load_balancer {\n    target_group_arn = aws_lb_target_group.web.arn\n    container_name = "app"\n  }\n}\nresource "aws_lb_target_group" "web" {\n  health_check {\n    path = "/healthz"\n  }\n}\n'
  const files = {
    'infra/ecs.tf': `resource "aws_ecs_task_definition" "web" {\n  container_definitions = templatefile("\${path.module}/tasks/web.json.tpl", { tag = var.tag })\n}\n${service}`,
    'infra/tasks/web.json.tpl': `[\n  { "name": "app", "image": "r/app:\${tag}", "portMappings": [{ "containerPort": 8080 }],\n    "environment": [{ "name": "LOG_LEVEL", "value": "info" }],\n    "secrets": [{ "name": "DB_URL", "valueFrom": "arn" }], "stopTimeout": 65 },\n  { "name": "jobs", "image": "r/jobs@sha256:1", "command": ["sh", "-c", "rails db:migrate && sidekiq"] },\n  { "name": "xray-daemon", "image": "amazon/aws-xray-daemon" }\n]\n`,
  }
  assert.deepEqual(seen(files), [
    'infrastructure terraform @1',
    'platform ecs @1',
    'component app web @2',
    'port app 8080 @2',
    `undecided app image: r/app:\${tag} @2`,
    'stop-seconds app 65 @4',
    'secret-env app DB_URL @4',
    'env app LOG_LEVEL @3',
    'component jobs unknown @5',
    'image jobs r/jobs@sha256:1 @5',
    'command jobs sh -c rails db:migrate && sidekiq @5',
    'migrate-on-start jobs sh -c rails db:migrate && sidekiq @5',
    'undecided app replicas: var.count @6',
    'ready app /healthz @14',
  ])
  const lost = survey(
    tree({ 'a.tf': 'resource "aws_ecs_task_definition" "w" {\n  container_definitions = module.x.json\n}\n' }),
  )
  assert.deepEqual(lost.notes, [
    { file: 'a.tf', line: 2, says: 'The containers of w are decided elsewhere: module.x.json' },
  ])
})

test('charts are read with the values of production, and what a platform says is believed before compose', () => {
  const chart = {
    'chart/Chart.yaml': 'apiVersion: v2\nname: api\nversion: 1.0.0\n',
    'chart/values.yaml': 'replicas: 1\nimage: { repository: r/api, tag: "1" }\n',
    'chart/values-production.yaml': 'replicas: 4\n',
    'chart/templates/api.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Chart.Name }}\nspec:\n  replicas: {{ .Values.replicas }}\n  template:\n    spec:\n      containers:\n        - name: api\n          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"\n          ports:\n            - containerPort: 8000\n          readinessProbe:\n            httpGet: { path: /ready, port: 8000 }\n',
    'docker-compose.yml':
      'services:\n  app: { build: ., ports: ["8000:8000"], deploy: { replicas: 1 } }\n  db: { image: "postgres:16" }\n',
  }
  const found = survey(tree(chart)).sights.map(({ what, of, value }) => `${what} ${of ?? ''} ${value}`)
  for (const sight of [
    'platform  kubernetes',
    'component api web',
    'replicas api 4',
    'image api r/api:1',
    'ready api /ready',
  ])
    assert.ok(found.includes(sight), `${sight} in ${found.join(', ')}`)
  assert.ok(!found.includes('component app web'))
})

test('routes that cannot be told are counted with their reason', () => {
  const { sights, leftOut } = survey(
    tree({
      'a.js': "const app = express()\napp.get('/x', f)\napp.use(base, r)\nconst r = express.Router()\nr.get('/y', f)\n",
    }),
  )
  assert.deepEqual(
    sights.map(({ value }) => value),
    ['GET /x'],
  )
  assert.deepEqual(leftOut, [{ file: 'a.js', line: 5, why: 'the prefix of its router is computed' }])
})

test('broken and hostile files are survived, and said', () => {
  const files = {
    'package.json': '{"name": [',
    'a.yaml': 'apiVersion: *x',
    'b.yaml': `kind: ${'['.repeat(5_000)}`,
    'task.json': '{"containerDefinitions":[null, 3, {"name": {}}]}',
    'k.yaml': 'apiVersion: v1\nkind: Deployment\nmetadata: { name: web }\nspec: null\n',
    'groups.yaml': 'groups: [null, { rules: [null, 3] }]',
    'main.tf': 'resource "aws_ecs_service" "web" {\n  desired_count = \n',
    'docker-compose.yml': 'services:\n  web: [\n',
    '.github/workflows/x.yml': 'jobs: { a: { steps: [null, 3, { run: 4 }] } }',
  }
  const { notes } = survey(tree(files))
  assert.ok(notes.some(({ file }) => file === 'main.tf'))
  assert.ok(notes.some(({ file }) => file === 'docker-compose.yml'))
})

test('a secret in a command line is not copied', () => {
  const found = seen({
    Procfile: 'web: run --db-password hunter2 --token=abc postgres://u:pw@h/d API_KEY=x --keep this\n',
  })
  assert.deepEqual(found, [
    'component web web @1',
    'command web run --db-password … --token=… postgres://…@h/d API_KEY=… --keep this @1',
  ])
})
