import assert from 'node:assert/strict'
import test from 'node:test'
import { loadService } from '../load.ts'
import { draftOf } from './draft.ts'
import { gapsOf } from './gaps.ts'
import { questionsOf, refusedOf } from './questions.ts'
import { routesIn } from './routes.ts'
import { survey } from './survey.ts'

const tree = (files: Readonly<Record<string, string>>) => Object.entries(files).map(([path, text]) => ({ path, text }))
const seen = (files: Readonly<Record<string, string>>) =>
  survey(tree(files)).map((sight) => `${sight.what} ${sight.of ? `${sight.of} ` : ''}${sight.value} @${sight.line}`)

test('each kind of file shows what it says, and where', () => {
  const cases: readonly [string, string, readonly string[]][] = [
    [
      'package.json',
      '{\n "name": "@team/permits",\n "scripts": { "start": "node migrate.js && node a.js", "axe": "axe ." },\n "dependencies": { "pg": "8", "notifications-node-client": "8" }\n}',
      [
        'name permits @2',
        'command web node migrate.js && node a.js @3',
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
      ['ready web /healthz @2', 'command web node a.js @3'],
    ],
    [
      'compose.yaml',
      'services:\n  app: { build: ., stop_grace_period: 40s, deploy: { replicas: 3 } }\n  db: { image: "postgres:16" }\n',
      ['component app web @2', 'stop-seconds app 40 @2', 'replicas app 3 @2', 'database db postgres @3'],
    ],
    [
      'deploy/task.json',
      '{ "containerDefinitions": [\n { "name": "web", "image": "r/web:1", "stopTimeout": 70, "memory": 512, "secrets": [{ "name": "DB_URL" }] }\n] }',
      [
        'platform ecs @1',
        'component web web @2',
        'image web r/web:1 @2',
        'stop-seconds web 70 @2',
        'memory-mb web 512 @2',
        'secret-env web DB_URL @2',
      ],
    ],
    [
      'infra/main.tf',
      'resource "aws_ecs_service" "web" {\n  desired_count = 4\n}\nresource "aws_cloudwatch_metric_alarm" "errors" {\n}\n',
      ['infrastructure terraform @1', 'platform web ecs @1', 'replicas 4 @2', 'alert errors @4'],
    ],
    [
      'stack.yaml',
      'Resources:\n  Fn:\n    Type: AWS::Lambda::Function\n  A:\n    Type: AWS::CloudWatch::Alarm\n',
      ['infrastructure cloudformation @1', 'platform Fn lambda @2', 'alert A @4'],
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
        'infrastructure cloudformation @1',
        'component web web @6',
        'image web r/web@sha256:1 @6',
        'stop-seconds web 70 @6',
        'ready /ready @9',
        'platform S ecs @10',
        'replicas 4 @12',
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
    ['Jenkinsfile', "stage('t') { sh 'mvn verify' }\n", ['pipeline jenkins @1', 'gate unit @1']],
    ['rules.yml', 'groups:\n  - name: g\n    rules:\n      - alert: SubmitFails\n', ['alert SubmitFails @4']],
    ['db/migrate/001_x.rb', '', ['migrations db/migrate @1']],
    [
      'template.yaml',
      'Resources:\n  S:\n    Type: AWS::ECS::Service\n    Properties: { DesiredCount: !Ref N }\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n        - { Name: web, Image: !Sub "$' +
        '{Repo}:1", StopTimeout: 45 }\n        - { Name: xray-daemon, Image: amazon/aws-xray-daemon }\n  G:\n    Type: AWS::ElasticLoadBalancingV2::TargetGroup\n    Properties: { HealthCheckPath: /health }\n',
      [
        'infrastructure cloudformation @1',
        'platform S ecs @2',
        'component web web @9',
        'stop-seconds web 45 @9',
        'ready /health @13',
      ],
    ],
    [
      'monitoring/rules.yaml',
      'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n  groups:\n    - name: g\n      rules:\n        - alert: SubmitFails\n',
      ['alert SubmitFails @7'],
    ],
    [
      'docker-compose.yml',
      'services:\n  web: { build: ., stop_grace_period: 1m30s }\n  mail: { image: mailhog/mailhog }\n',
      ['component web web @2', 'stop-seconds web 90 @2'],
    ],
    ['Procfile', 'web: rails s\nrelease: rails db:migrate\n', ['component web web @1', 'command web rails s @1']],
    ['docs/runbooks/db.md', '# x', ['runbook docs/runbooks/db.md @1']],
    ['config/locales/cy.yml', 'cy: {}', ['language cy @1']],
  ]
  for (const [path, text, wanted] of cases) assert.deepEqual(seen({ [path]: text }), wanted, path)
})

test('routes are read where a framework writes them down, and not guessed elsewhere', () => {
  const cases: readonly [string, string, readonly string[]][] = [
    ['a.ts', 'app.get(\'/x/:id\', f); router.post("/y", g)', ['GET /x/:id', 'POST /y']],
    ['a.js', 'app.get(`/x/${id}`)\nmap.get("key")\nfetch.get("/z")', []],
    [
      'a.py',
      "@app.route('/a/<int:id>', methods=['GET', 'POST'])\n@router.put(\"/b/{name}\")",
      ['GET /a/:id', 'POST /a/:id', 'PUT /b/:name'],
    ],
    ['config/routes.rb', "  get '/start', to: 'x#y'\n  post \"send\", to: 'x#z'", ['GET /start', 'POST /send']],
    ['A.java', '@GetMapping("/a/{id}")\n@PostMapping(value = "/b")', ['GET /a/:id', 'POST /b']],
    [
      'r.js',
      "router.route('/x').get(f).post(g)\nfastify.route({ method: 'PUT', url: '/y' })",
      ['GET /x', 'POST /x', 'PUT /y'],
    ],
    [
      'c.ts',
      "@Controller('cases')\nclass C {\n  @Get(':id')\n  one() {}\n  @Post()\n  add() {}\n}",
      ['GET /cases/:id', 'POST /cases'],
    ],
    ['x.ts', "@Get('lonely')", []],
    ['c.js', "// app.get('/gone', f)\n * app.get('/old', f)\napp.get('/x', f)", ['GET /x']],
    ['config/routes.rb', "Rails.application.routes.draw do\n  root 'pages#home'\nend", ['GET /']],
    [
      'config/urls.py',
      "urlpatterns = [\n  path('apply/<int:pk>/', views.apply),\n  path('admin/', include(admin)),\n  re_path(r'^x$', v),\n]",
      ['GET /apply/:pk/'],
    ],
    ['app/urls.py', "path('apply/', views.apply)", []],
    ['app.rb', "get '/start' do\n  erb :start\nend\n# get '/no'", ['GET /start']],
    [
      'config/routes.rb',
      "Rails.application.routes.draw do\n  resources :claims, only: %i[new create]\n  resource :session, only: :show\n  namespace :admin do\n    resources :users\n    get 'x', to: 'x#y'\n  end\n  get 'cookies', to: 'p#c'\nend",
      ['GET /claims/new', 'POST /claims', 'GET /session', 'GET /cookies'],
    ],
    [
      'B.java',
      '@RequestMapping("/api")\npublic class B {\n  @GetMapping\n  String all() {}\n  @PostMapping("/send")\n  String send() {}\n  @RequestMapping(value = "/old", method = RequestMethod.PUT)\n  public String old() {}\n}',
      ['GET /api', 'POST /api/send', 'PUT /api/old'],
    ],
    [
      'J.java',
      '@Path("/claims")\npublic class J {\n  @GET\n  @Path("{id}")\n  public Claim one(String id) {\n  }\n}',
      ['GET /claims/:id'],
    ],
  ]
  for (const [path, text, wanted] of cases)
    assert.deepEqual(
      routesIn({ path, text }).map((route) => `${route.method} ${route.path}`),
      wanted,
      path,
    )
})

test('an empty repository gives only questions, and a draft that define goes on asking about', () => {
  const { text, questions } = draftOf([], {})
  assert.ok(questions.length >= 9)
  const { service, findings } = loadService(text, 'service.yaml')
  assert.equal(service, undefined)
  assert.ok(!findings.some((finding) => finding.rule.startsWith('yaml')), 'the draft is sound YAML')
  assert.ok(findings.some((finding) => finding.rule === 'missing' && finding.says.includes('"name"')))
})

test('with every question answered, what is left open is what define names', () => {
  const answers = {
    'service.id': 'permits',
    'service.name': 'Get a "permit": today\n  evil: true',
    'service.phase': 'live',
    journeys: 'apply',
    'journey.apply.name': 'Apply',
    'journey.apply.harm': 'no permit',
    'journey.apply.harmClass': 'delay',
    'journey.apply.recoverMinutes': '30',
    'journey.apply.steps': 'GET /, POST /apply/send, GET /apply/send',
    failureModes: 'sends-fail',
    'mode.sends-fail.name': 'Applications cannot be sent',
    'mode.sends-fail.journeys': 'apply',
    'mode.sends-fail.sees': 'the problem page',
    'mode.sends-fail.detect': 'ratio',
    'mode.sends-fail.confirm': 'send the test application',
    'mode.sends-fail.first': 'take the newest release back',
    'mode.sends-fail.undo': 'deploy it again',
    'mode.sends-fail.degrade': 'by phone',
    'component.web.ready': '/ready',
    'component.web.stopSeconds': '35',
    'component.web.requestSeconds': '30',
    'comms.mustSay': 'whether the permit is late; what to do now',
    'oncall.cover': 'always',
    'oncall.first': 'primary on call, duty@permits.example.gov.uk',
    'oncall.then': 'head of service, head@permits.example.gov.uk',
    'comms.phone': '0808 157 0177',
    'comms.hours': 'office hours',
    'data.kinds': 'identity P2Y, bank details P90D',
    peaks: 'last-day FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31 16:00-24:00',
  }
  const sights = survey(
    tree({ 'k8s/web.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 2 }\n' }),
  )
  const { text, questions } = draftOf(sights, answers)
  assert.deepEqual(questions, [])
  const { service, findings } = loadService(text, 'service.yaml')
  assert.deepEqual(
    findings.filter((finding) => finding.severity === 'error').map((finding) => finding.says),
    [],
  )
  assert.equal(service?.service.name, 'Get a "permit": today evil: true')
  assert.deepEqual(
    service?.journeys[0]?.steps.map((step) => `${step.id} ${step.method} ${step.route}`),
    ['start GET /', 'send POST /apply/send', 'send-2 GET /apply/send'],
  )
  assert.equal(service?.failureModes[0]?.act.first.says, 'take the newest release back')
  assert.equal(service?.runtime.components[0]?.stopSecondsMax, 35)
  assert.deepEqual(service?.comms.mustSay, ['whether the permit is late', 'what to do now'])
  // A sound definition that is not complete still names what is missing.
  assert.ok(findings.some((finding) => finding.rule === 'gates-missing'))
})

test('an answer that cannot be used is refused, and its question stays open', () => {
  const wrong = {
    'service.naem': 'Permits',
    'service.phase': 'going live',
    journeys: 'Apply Now',
    'runtime.kind': 'mainframe',
    'oncall.first': 'Bob',
    'data.kinds': 'names',
    peaks: 'sometimes',
  }
  const sights = survey(tree({ Gemfile: "gem 'sidekiq'\n", Procfile: 'web: rails s\n' }))
  const refused = refusedOf(sights, wrong)
  assert.equal(refused.length, Object.keys(wrong).length)
  assert.equal(refused[0], 'Nothing is asked that is called service.naem. Did you mean service.name?')
  assert.match(refused[1]!, /^"going live" does not answer service\.phase: .* For example: live$/)
  const { text } = draftOf(sights, wrong)
  for (const key of Object.keys(wrong).slice(1)) assert.ok(text.includes(`QUESTION ${key}:`), key)
  assert.ok(!/Permits|mainframe|Bob|sometimes/.test(text))
  assert.deepEqual(
    refusedOf(sights, { 'runtime.kind': 'ecs', 'dependency.redis.owner': 'us', journeys: 'apply, status' }),
    [],
  )
})

test('what nobody said or wrote down is not in the draft', () => {
  assert.match(draftOf([], {}).text, /^ {2}components: \[\]$/m)
  const sights = survey(tree({ Gemfile: "gem 'sidekiq'\n" }))
  assert.ok(questionsOf(sights, {}).some(({ key }) => key === 'dependency.redis.owner'))
  assert.ok(!draftOf(sights, {}).text.includes(', owner: '))
})

test('the three most harmful gaps are named, worst first, with their place', () => {
  const files = {
    'package.json': '{"scripts":{"start":"knex migrate:latest && node a.js"}}',
    'k8s.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 1 }\n',
    '.github/workflows/cd.yml': 'jobs:\n  d:\n    steps:\n      - run: kubectl apply -f k8s.yaml\n',
  }
  assert.deepEqual(
    gapsOf(survey(tree(files))).map((gap) => `${gap.id} ${gap.at}`),
    ['migrate-on-start package.json:1', 'no-readiness k8s.yaml:2', 'no-alerts .github/workflows/cd.yml:4'],
  )
  assert.deepEqual(gapsOf([]), [], 'what was not seen is not blamed')
})

test('broken and hostile files are survived', () => {
  const files = {
    'package.json': '{"name": [',
    'a.yaml': 'apiVersion: *x',
    'b.yaml': `kind: ${'['.repeat(5_000)}`,
    'task.json': '{"containerDefinitions":[null, 3, {"name": {}}]}',
    'k.yaml': 'apiVersion: v1\nkind: Deployment\nmetadata: { name: web }\nspec: null\n',
    'groups.yaml': 'groups: [null, { rules: [null, 3] }]',
  }
  assert.ok(Array.isArray(survey(tree(files))))
})
