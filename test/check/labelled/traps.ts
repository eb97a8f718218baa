/** What a stranger's repository holds, and no finding should come of; each was a false alarm, or nearly one. */
import type { Case } from './case.ts'

const digest = 'sha256:1111111111111111111111111111111111111111111111111111111111111111'
const sha = '11bd71901bbe5b1630ceea73d27597364c9af683'

const gates = `  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@${sha}
      - run: npm ci
      - run: npm test
      - run: npm audit --audit-level=high
      - run: npx pa11y-ci
`
const deploying = (steps: string, job = '') => `on: { push: { branches: [main] } }
permissions: { contents: read, id-token: write }
concurrency: { group: production, cancel-in-progress: false }
jobs:
${gates}  deploy:
    needs: test
    environment: production
    runs-on: ubuntu-latest
    timeout-minutes: 20
${job}    steps:
${steps}`

const service = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 60
      containers:
`
const budget = `---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: web } } }
`

export const traps: readonly Case[] = [
  {
    name: 'a step that puts the old release back after a failure',
    files: {
      '.github/workflows/cd.yml': deploying(
        '      - run: aws ecs update-service --cluster prod --service web --task-definition "$TD" && aws ecs wait services-stable --cluster prod --services web && test "$(./running.sh)" = "$TD"\n      - name: Roll back\n        if: failure()\n        run: aws ecs update-service --cluster prod --service web --task-definition "$PREVIOUS"\n',
      ),
    },
    finds: [],
  },
  {
    name: 'a second deployment that runs although the first failed',
    files: {
      '.github/workflows/cd.yml': deploying(
        '      - run: ./publish-pages.sh\n      - if: always()\n        run: kamal deploy\n      # Going back: kamal rollback\n',
      ),
    },
    finds: ['deploy-after-failure'],
  },
  {
    name: 'gates that a matrix runs, for a deployment that a makefile does',
    files: {
      '.github/workflows/cd.yml': `on: { push: { branches: [main] } }
permissions: { contents: read, id-token: write }
concurrency: { group: production, cancel-in-progress: false }
jobs:
  check:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        include:
          - { name: unit, command: bundle exec parallel_rspec }
          - { name: scan, command: bundle exec rake brakeman }
          - { name: a11y, command: npx pa11y-ci }
    steps:
      - uses: actions/checkout@${sha}
      - run: \${{ matrix.command }}
  before:
    needs: check
    environment: { name: "\${{ matrix.environment }}" }
    strategy: { matrix: { environment: [qa, staging] } }
    runs-on: ubuntu-latest
    timeout-minutes: 20
    steps: [{ uses: ./.github/actions/deploy }]
  production:
    needs: before
    environment: production
    runs-on: ubuntu-latest
    timeout-minutes: 20
    steps: [{ uses: ./.github/actions/deploy }]
`,
      '.github/actions/deploy/action.yml':
        'runs:\n  using: composite\n  steps:\n    - shell: bash\n      run: make ci $' +
        '{{ inputs.environment }} deploy\n',
      'docs/rollback.md': 'How to roll back: run the workflow on the commit before.\n',
      'runbooks/rollback.md':
        '# Roll back\n\nCitizens see an error page after a release. Last rehearsed 2026-11-01: 6 minutes.\n\n```sh\nmake production rollback\n```\n\nExpect: "rolled back". If not after 10 minutes, escalate to the on-call lead.\n',
    },
    finds: [],
  },
  {
    name: 'a makefile deploys to production, and nothing is checked before',
    files: {
      '.github/workflows/cd.yml':
        'on: { push: { branches: [main] } }\njobs:\n  production:\n    environment: production\n    runs-on: ubuntu-latest\n    timeout-minutes: 10\n    permissions: { contents: read }\n    concurrency: { group: production, cancel-in-progress: false }\n    steps:\n      - run: make ci production deploy\n      # make production rollback goes back\n',
    },
    finds: ['gate-tests', 'gate-security-scan', 'gate-accessibility'],
  },
  {
    name: 'pages, storybooks and packages are no public service',
    files: {
      '.github/workflows/pages.yml':
        'name: Deploy docs\non: { push: { branches: [main] } }\npermissions: { pages: write, id-token: write }\njobs:\n  deploy:\n    environment: { name: github-pages }\n    runs-on: ubuntu-latest\n    steps: [{ run: npm run docs:build }, { uses: actions/deploy-pages@v4 }]\n',
      '.github/workflows/storybook.yml':
        'name: Storybook\non: { push: { branches: [main] } }\njobs:\n  chromatic: { runs-on: ubuntu-latest, steps: [{ run: npm run deploy-storybook }] }\n',
      '.github/workflows/release.yml':
        "name: Release\non: { push: { tags: ['v*'] } }\njobs:\n  publish: { runs-on: ubuntu-latest, steps: [{ run: npm test }, { run: npm publish }] }\n",
    },
    finds: [],
  },
  {
    name: 'the compose file of a developer’s machine',
    files: {
      'docker-compose.yml':
        'services:\n  web:\n    build: .\n    command: npm run dev\n    ports: ["3000:3000"]\n    volumes: [".:/app"]\n    depends_on: [db]\n  db: { image: "postgres:15", ports: ["5432:5432"] }\n',
    },
    finds: [],
  },
  {
    name: 'a cache that must be alone and a database behind the service',
    files: {
      'k8s/stores.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: cache }
spec:
  replicas: 1
  strategy: { type: Recreate }
  selector: { matchLabels: { app: cache } }
  template:
    metadata: { labels: { app: cache } }
    spec: { containers: [{ name: redis, image: "redis@${digest}", ports: [{ containerPort: 6379 }] }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: postgres }
spec:
  replicas: 1
  selector: { matchLabels: { app: postgres } }
  template:
    metadata: { labels: { app: postgres } }
    spec: { containers: [{ name: postgres, image: "registry.example/mirror/postgres@${digest}", ports: [{ containerPort: 5432 }] }] }
`,
    },
    finds: [],
  },
  {
    name: 'a virus scanner stands before the service in the list of containers',
    files: {
      'k8s/web.yaml': `${service}        - name: clamav
          image: "ghcr.io/example/clamav@${digest}"
          ports: [{ containerPort: 3310 }]
        - name: web
          image: "ghcr.io/example/web@${digest}"
          ports: [{ containerPort: 3002 }]
          readinessProbe: { httpGet: { path: /health/ready, port: 3002 }, initialDelaySeconds: 60 }
          livenessProbe: { httpGet: { path: /health/live, port: 3002 }, initialDelaySeconds: 60 }
          lifecycle: { preStop: { exec: { command: [sh, -c, sleep 15] } } }
${budget}`,
    },
    finds: [],
  },
  {
    name: 'a report at night may come an hour later',
    files: {
      'k8s/report.yaml':
        'apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: nightly-report }\nspec: { schedule: "15 2 * * *", jobTemplate: {} }\n',
    },
    finds: [],
  },
  {
    name: 'a payment file at night may not',
    files: {
      'k8s/payments.yaml':
        'apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: payment-report }\nspec: { schedule: "15 2 * * *", jobTemplate: {} }\n',
    },
    finds: ['schedule-local-time'],
  },
  {
    name: 'what Maven checks stands in a file of its own',
    files: {
      Jenkinsfile:
        "pipeline {\n  agent any\n  options { timeout(time: 1, unit: 'HOURS'); disableConcurrentBuilds() }\n  stages {\n    stage('Test') { steps { sh 'mvn verify' } }\n    stage('Deploy production') { steps { input message: 'Deploy?', submitter: 'release-managers'\n      sh './deploy.sh production' } }\n  }\n  post { failure { sh './rollback.sh' } }\n}\n",
    },
    finds: [],
    may: ['gate-accessibility'],
    open: ['gate-security-scan'],
  },
  {
    name: 'a module whose values each environment gives',
    files: {
      'modules/ecs/main.tf':
        'variable "desired_count" { type = number }\nresource "aws_ecs_service" "this" {\n  desired_count = var.desired_count\n  health_check_grace_period_seconds = 60\n  deployment_circuit_breaker {\n    enable   = true\n    rollback = true\n  }\n}\n',
      'envs/dev/main.tf': 'module "ecs" {\n  source        = "../../modules/ecs"\n  desired_count = 1\n}\n',
      'envs/prod/main.tf': 'module "ecs" {\n  source        = "../../modules/ecs"\n  desired_count = 4\n}\n',
    },
    finds: [],
  },
]
