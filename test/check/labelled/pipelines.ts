import type { Case } from './case.ts'

const gates = `  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: npm ci
      - run: npm test
      - run: npm audit --audit-level=high
      - run: npx pa11y-ci
`

const good = (deploy: string, head = '', needs = 'needs: test') => `name: release
on:
  push: { branches: [main] }
permissions: { contents: read, id-token: write }
concurrency: { group: production, cancel-in-progress: false }
${head}jobs:
${gates}  deploy:
    ${needs}
    environment: production
    timeout-minutes: 20
    runs-on: ubuntu-latest
    steps:
${deploy}`

const rollout = `      - run: kubectl apply -f deploy/
      - run: kubectl rollout status deployment/web --timeout=8m
`
const back = `on: workflow_dispatch
jobs:
  rollback:
    environment: production
    timeout-minutes: 10
    runs-on: ubuntu-latest
    steps: [{ run: kubectl rollout undo deployment/web }]
`

export const pipelines: readonly Case[] = [
  {
    name: 'a whole good workflow',
    files: { '.github/workflows/release.yml': good(rollout), '.github/workflows/rollback.yml': back },
    finds: [],
  },
  {
    name: 'the gate is in a reusable workflow of the repository',
    files: {
      '.github/workflows/gates.yml': `on: workflow_call\njobs:\n${gates}`,
      '.github/workflows/release.yml': `on: push
concurrency: { group: production }
jobs:
  gates: { uses: ./.github/workflows/gates.yml }
  deploy:
    needs: [gates]
    environment: production
    timeout-minutes: 20
    runs-on: ubuntu-latest
    steps:
${rollout}`,
      '.github/workflows/rollback.yml': back,
    },
    finds: [],
  },
  {
    name: 'the gate is a composite action of the repository',
    files: {
      '.github/actions/gates/action.yml':
        'runs:\n  using: composite\n  steps:\n    - run: npm test\n      shell: bash\n    - run: npx snyk test\n      shell: bash\n    - run: npx axe http://localhost:3000\n      shell: bash\n',
      '.github/workflows/release.yml': `on: push
concurrency: { group: production }
jobs:
  deploy:
    environment: production
    timeout-minutes: 20
    runs-on: ubuntu-latest
    steps:
      - uses: ./.github/actions/gates
${rollout}`,
      '.github/workflows/rollback.yml': back,
    },
    finds: [],
  },
  {
    name: 'a remote workflow decides: cannot tell',
    files: {
      '.github/workflows/release.yml':
        'on: push\nconcurrency: { group: production }\njobs:\n  deploy-production:\n    uses: org/shared/.github/workflows/deploy.yml@0123456789abcdef0123456789abcdef01234567\n',
    },
    finds: [],
    open: ['gate-tests', 'gate-security-scan'],
  },
  {
    name: 'gates run on the pull request only: branch protection would settle it',
    files: {
      '.github/workflows/ci.yml': `on: pull_request\njobs:\n${gates}`,
      '.github/workflows/release.yml': `on: { push: { branches: [main] } }
concurrency: { group: production }
jobs:
  deploy:
    environment: production
    timeout-minutes: 20
    runs-on: ubuntu-latest
    steps:
${rollout}`,
      '.github/workflows/rollback.yml': back,
    },
    finds: [],
    open: ['gate-tests', 'gate-security-scan', 'gate-accessibility'],
  },
  {
    name: 'tests run beside the deployment',
    files: { '.github/workflows/release.yml': good(rollout, '', ''), '.github/workflows/rollback.yml': back },
    finds: ['gate-tests', 'gate-security-scan', 'gate-accessibility'],
  },
  {
    name: 'the scan is only scheduled',
    files: {
      '.github/workflows/scan.yml':
        'on: { schedule: [{ cron: "0 3 * * 1" }] }\njobs:\n  scan:\n    runs-on: ubuntu-latest\n    steps: [{ run: trivy fs --exit-code 1 . }]\n',
      '.github/workflows/release.yml': good(rollout).replace('      - run: npm audit --audit-level=high\n', ''),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['gate-security-scan'],
  },
  {
    name: 'a job-level continue-on-error on the tests',
    files: {
      '.github/workflows/release.yml': good(rollout).replace('  test:\n', '  test:\n    continue-on-error: true\n'),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['gate-tests', 'gate-security-scan', 'gate-accessibility'],
  },
  {
    name: '!cancelled() deploys after a failure',
    files: {
      '.github/workflows/release.yml': good(rollout).replace('needs: test', 'needs: test\n    if: "!cancelled()"'),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['deploy-after-failure', 'gate-tests', 'gate-security-scan', 'gate-accessibility'],
  },
  {
    name: 'always() with a success check is fine',
    files: {
      '.github/workflows/release.yml': good(rollout).replace(
        'needs: test',
        "needs: test\n    if: always() && needs.test.result == 'success'",
      ),
      '.github/workflows/rollback.yml': back,
    },
    finds: [],
  },
  {
    name: 'workflow_run without asking for success',
    files: {
      '.github/workflows/ci.yml': `name: CI\non: push\njobs:\n${gates}`,
      '.github/workflows/release.yml': `on: { workflow_run: { workflows: [CI], types: [completed] } }
concurrency: { group: production }
jobs:
  deploy:
    environment: production
    timeout-minutes: 20
    runs-on: ubuntu-latest
    steps:
${rollout}`,
      '.github/workflows/rollback.yml': back,
    },
    finds: ['deploy-after-failure'],
    may: ['gate-tests', 'gate-security-scan', 'gate-accessibility'],
  },
  {
    name: 'workflow_run that asks for success',
    files: {
      '.github/workflows/ci.yml': `name: CI\non: push\njobs:\n${gates}`,
      '.github/workflows/release.yml': `on: { workflow_run: { workflows: [CI], types: [completed] } }
concurrency: { group: production }
jobs:
  deploy:
    if: github.event.workflow_run.conclusion == 'success'
    environment: production
    timeout-minutes: 20
    runs-on: ubuntu-latest
    steps:
${rollout}`,
      '.github/workflows/rollback.yml': back,
    },
    finds: [],
  },
  {
    name: 'set +e before the tests',
    files: {
      '.github/workflows/release.yml': good(rollout).replace(
        '      - run: npm test\n',
        '      - run: |\n          set +e\n          npm test\n          echo done\n',
      ),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['gate-tests'],
  },
  {
    name: 'a workflow that only tests says nothing about deployments',
    files: { '.github/workflows/ci.yml': `on: pull_request\njobs:\n${gates}` },
    finds: [],
  },
  {
    name: 'documentation is not production',
    files: {
      '.github/workflows/docs.yml':
        'on: push\njobs:\n  docs:\n    environment: github-pages\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/deploy-pages@v4\n',
    },
    finds: [],
  },
  {
    name: 'terraform plan is not a deployment',
    files: {
      '.github/workflows/plan.yml':
        'on: pull_request\njobs:\n  plan-production:\n    runs-on: ubuntu-latest\n    steps: [{ run: terraform plan }]\n',
    },
    finds: [],
  },
  {
    name: 'a deployment that is cancelled half-way, signed in with a shared key, and hangs for six hours',
    files: {
      '.github/workflows/release.yml': good(rollout)
        .replace('cancel-in-progress: false', 'cancel-in-progress: true')
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the file, not of JavaScript.
        .replace('    timeout-minutes: 20\n', '    env: { KUBECONFIG_DATA: "${{ secrets.KUBECONFIG }}" }\n'),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['deploy-concurrency', 'deploy-timeout', 'deploy-identity'],
  },
  {
    name: 'helm with --atomic waits and goes back',
    files: { '.github/workflows/release.yml': good('      - run: helm upgrade web ./chart --atomic --timeout 8m\n') },
    finds: [],
  },
  {
    name: 'helm without waiting, and no way back',
    files: { '.github/workflows/release.yml': good('      - run: helm upgrade web ./chart\n') },
    finds: ['deploy-waits', 'rollback-path'],
  },
  {
    name: 'the ECS action waits for stability',
    files: {
      '.github/workflows/release.yml': good(
        '      - uses: aws-actions/amazon-ecs-deploy-task-definition@v2\n        with: { service: web, cluster: live, wait-for-service-stability: true }\n',
      ),
      'docs/rollback.md': 'Run the release workflow with the earlier tag.',
    },
    finds: [],
    may: ['rollback-path'],
  },
  {
    name: 'the ECS action does not wait',
    files: {
      '.github/workflows/release.yml': good(
        '      - uses: aws-actions/amazon-ecs-deploy-task-definition@v2\n        with: { service: web, cluster: live }\n',
      ),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['deploy-waits'],
  },
  {
    name: 'a good declarative Jenkinsfile',
    files: {
      Jenkinsfile: `pipeline {
  agent any
  options { timeout(time: 40, unit: 'MINUTES'); disableConcurrentBuilds() }
  stages {
    stage('Test') { steps { sh 'npm ci && npm test' } }
    stage('Scan') { parallel {
      stage('Dependencies') { steps { sh 'npm audit' } }
      stage('Accessibility') { steps { sh 'npx pa11y-ci' } }
    } }
    stage('Approve') { steps { input message: 'Deploy?', submitter: 'release-managers' } }
    stage('Deploy to production') { steps { sh 'helm upgrade --atomic web ./chart' } }
  }
  post { failure { sh './notify.sh' } }
}
`,
    },
    finds: [],
  },
  {
    name: 'a Jenkinsfile whose tests are swallowed',
    files: {
      Jenkinsfile: `pipeline {
  agent any
  options { timeout(time: 40, unit: 'MINUTES'); disableConcurrentBuilds() }
  stages {
    stage('Test') { steps { script { def code = sh(script: 'npm test', returnStatus: true) } } }
    stage('Scan') { steps { sh 'npm audit || true' } }
    stage('Accessibility') { steps { sh 'npx pa11y-ci' } }
    stage('Approve') { steps { input message: 'Deploy?', submitter: 'release-managers' } }
    stage('Deploy to production') { steps { sh 'helm upgrade --atomic web ./chart' } }
  }
}
`,
    },
    finds: ['gate-tests', 'gate-security-scan'],
  },
  {
    name: 'a Jenkinsfile that is one call of a shared library: cannot tell',
    files: { Jenkinsfile: "@Library('platform') _\nstandardPipeline(service: 'web')\n" },
    finds: [],
    open: ['gate-tests'],
  },
  {
    name: 'production beside staging',
    files: {
      '.github/workflows/release.yml': good(rollout).replace(
        '  deploy:\n',
        '  staging:\n    needs: test\n    environment: staging\n    runs-on: ubuntu-latest\n    steps: [{ run: kubectl apply -f staging/ }]\n  deploy:\n',
      ),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['production-first'],
  },
  {
    name: 'a buildspec whose scan cannot fail',
    files: {
      'buildspec.yml':
        'version: 0.2\nphases:\n  build:\n    commands:\n      - npm test\n      - trivy image --exit-code 0 app\n',
    },
    finds: ['build-goes-on'],
  },
  {
    name: 'migrations that may fail',
    files: {
      '.github/workflows/release.yml': good(
        `      - run: bundle exec rails db:migrate || echo "no migrations"\n${rollout}`,
      ),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['migration-failure-ignored'],
  },
  {
    name: 'assets of the old release are deleted',
    files: {
      '.github/workflows/release.yml': good(
        `      - run: aws s3 sync public s3://assets --delete --cache-control max-age=300\n${rollout}`,
      ),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['asset-skew'],
  },
  {
    name: 'a deployment on a UTC schedule',
    files: {
      '.github/workflows/release.yml': good(rollout).replace(
        '  push: { branches: [main] }',
        '  schedule: [{ cron: "30 8 * * 2" }]',
      ),
      '.github/workflows/rollback.yml': back,
    },
    finds: ['schedule-local-time'],
  },
  {
    name: 'a deployment on a London schedule',
    files: {
      '.github/workflows/release.yml': good(rollout).replace(
        '  push: { branches: [main] }',
        '  schedule: [{ cron: "30 8 * * 2", timezone: Europe/London }]',
      ),
      '.github/workflows/rollback.yml': back,
    },
    finds: [],
  },
  {
    name: 'CodePipeline with gates in CodeBuild and a manual approval',
    files: {
      'pipeline.json': JSON.stringify({
        pipeline: {
          name: 'web',
          stages: [
            {
              name: 'Source',
              actions: [{ name: 'Source', actionTypeId: { category: 'Source', provider: 'CodeStarSourceConnection' } }],
            },
            { name: 'Build', actions: [{ name: 'Build', actionTypeId: { category: 'Build', provider: 'CodeBuild' } }] },
            {
              name: 'Approve',
              actions: [{ name: 'Approve', actionTypeId: { category: 'Approval', provider: 'Manual' } }],
            },
            {
              name: 'Production',
              actions: [{ name: 'Deploy', actionTypeId: { category: 'Deploy', provider: 'ECS' } }],
            },
          ],
        },
      }),
      'buildspec.yml': 'version: 0.2\nphases:\n  build:\n    commands: [npm test, npm audit, npx pa11y-ci]\n',
      'runbooks/rollback.md':
        '# Take a release back\n\nCitizens see errors after a release.\n\n```sh\nholdfast deploy rollback\n```\n\nExpect "rolled back" within 5 minutes. If not, escalate to the on-call lead.\n',
    },
    finds: [],
  },
  {
    name: 'CodePipeline that nobody approves and nothing tests',
    files: {
      'pipeline.tf': `resource "aws_codepipeline" "web" {
  stage {
    name = "Source"
    action {
      name     = "Source"
      category = "Source"
      provider = "CodeStarSourceConnection"
    }
  }
  stage {
    name = "Production"
    action {
      name     = "Deploy"
      category = "Deploy"
      provider = "ECS"
    }
  }
}
`,
      'buildspec.yml': 'version: 0.2\nphases:\n  build:\n    commands: [docker build .]\n',
    },
    finds: ['gate-tests', 'gate-security-scan', 'gate-accessibility', 'gate-approval', 'rollback-path'],
  },
  {
    name: 'a library that publishes a package deploys nothing',
    files: {
      '.github/workflows/release.yml':
        'on: push\njobs:\n  release:\n    permissions: { contents: write }\n    uses: org/workflows/.github/workflows/reusable-release.yml@0123456789abcdef0123456789abcdef01234567\n',
    },
    finds: [],
  },
]
