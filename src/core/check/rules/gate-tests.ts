import { judgeGate } from '../gates.ts'
import type { Rule } from '../rule.ts'

export const gateTests: Rule = {
  id: 'gate-tests',
  question: 8,
  title: 'A failed test stops the production deployment',
  formats: [
    'github-workflow',
    'github-action',
    'jenkinsfile',
    'codepipeline',
    'buildspec',
    'cloudformation',
    'terraform',
  ],
  severity: 'error',
  reach: 2,
  harm: 'A release that is known to be broken reaches citizens, and they find the fault.',
  defaults: 'Jobs without needs run side by side; a step without continue-on-error fails its job.',
  fix: 'Run the tests in a job that the deployment needs, and let their failure fail it.',
  cites: 'playbook: quality gates must pass before deployment proceeds',
  bad: {
    '.github/workflows/release.yml': `on: { push: { branches: [main] } }
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: npm test || true
  deploy:
    needs: test
    environment: production
    runs-on: ubuntu-latest
    steps:
      - run: kubectl apply -f k8s/
`,
  },
  good: {
    '.github/workflows/release.yml': `on: { push: { branches: [main] } }
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: npm test
  deploy:
    needs: test
    environment: production
    runs-on: ubuntu-latest
    steps:
      - run: kubectl apply -f k8s/
`,
  },
  check: (world) => judgeGate(world, 'tests'),
}
