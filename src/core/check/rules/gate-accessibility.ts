import { judgeGate } from '../gates.ts'
import type { Rule } from '../rule.ts'

export const gateAccessibility: Rule = {
  id: 'gate-accessibility',
  question: 8,
  title: 'A failed accessibility check stops the production deployment',
  formats: [
    'github-workflow',
    'github-action',
    'jenkinsfile',
    'codepipeline',
    'buildspec',
    'cloudformation',
    'terraform',
  ],
  severity: 'warn',
  reach: 2,
  harm: 'Citizens who use a keyboard or a screen reader are shut out by a release, and nobody else notices.',
  defaults: 'No tool checks accessibility unless a step says so.',
  fix: 'Run axe, pa11y or Lighthouse against the pages of each journey in a job that the deployment needs.',
  cites: 'playbook: is accessibility validation included in the pipeline? (WCAG 2.1 AA)',
  bad: {
    Jenkinsfile: `pipeline {
  agent any
  stages {
    stage('Accessibility') { steps { catchError(buildResult: 'SUCCESS') { sh 'npx pa11y-ci' } } }
    stage('Deploy production') { steps { sh 'helm upgrade web ./chart' } }
  }
}
`,
  },
  good: {
    Jenkinsfile: `pipeline {
  agent any
  stages {
    stage('Accessibility') { steps { sh 'npx pa11y-ci' } }
    stage('Deploy production') { steps { sh 'helm upgrade web ./chart' } }
  }
}
`,
  },
  check: (world) => judgeGate(world, 'accessibility'),
}
