import { judgeGate } from '../gates.ts'
import type { Rule } from '../rule.ts'

export const gateSecurityScan: Rule = {
  id: 'gate-security-scan',
  question: 8,
  title: 'A security scan that finds something stops the production deployment',
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
  harm: 'Known holes go live, and citizens’ data with them.',
  defaults:
    'aquasecurity/trivy-action ends with success whatever it finds unless exit-code is 1; zaproxy actions only report.',
  fix: 'Scan in a job that the deployment needs, with the exit code that fails it (exit-code: 1, no || true).',
  cites: 'playbook: are security scans configured to run before deployment?',
  bad: {
    '.github/workflows/release.yml': `on: { push: { branches: [main] } }
jobs:
  scan:
    runs-on: ubuntu-latest
    steps:
      - uses: aquasecurity/trivy-action@0.28.0
        with: { image-ref: app }
  deploy:
    needs: scan
    environment: production
    runs-on: ubuntu-latest
    steps:
      - run: aws ecs update-service --cluster live --service web --force-new-deployment
`,
  },
  good: {
    '.github/workflows/release.yml': `on: { push: { branches: [main] } }
jobs:
  scan:
    runs-on: ubuntu-latest
    steps:
      - uses: aquasecurity/trivy-action@0.28.0
        with: { image-ref: app, exit-code: "1" }
  deploy:
    needs: scan
    environment: production
    runs-on: ubuntu-latest
    steps:
      - run: aws ecs update-service --cluster live --service web --force-new-deployment
`,
  },
  check: (world) => judgeGate(world, 'security'),
}
