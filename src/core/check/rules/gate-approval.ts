import { ancestorsOf, callersOf, isGate, productionJobs } from '../models/pipeline.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'

export const gateApproval: Rule = {
  id: 'gate-approval',
  question: 8,
  title: 'A second person agrees before production changes',
  formats: ['github-workflow', 'jenkinsfile', 'codepipeline', 'cloudformation', 'terraform'],
  severity: 'warn',
  reach: 1,
  harm: 'One person’s mistake reaches every citizen, and an auditor cannot see who agreed to it.',
  defaults: 'A GitHub job without environment waits for nobody; reviewers of an environment are kept outside the file.',
  fix: 'Name a protected environment, add an input step, or a manual approval stage.',
  cites: 'playbook: defensible records showing deployments followed approved processes',
  bad: {
    Jenkinsfile: `pipeline {
  agent any
  stages {
    stage('Test') { steps { sh 'npm test' } }
    stage('Deploy production') { steps { sh 'helm upgrade web ./chart' } }
  }
}
`,
  },
  good: {
    Jenkinsfile: `pipeline {
  agent any
  stages {
    stage('Test') { steps { sh 'npm test' } }
    stage('Approve') { steps { input message: 'Deploy?', submitter: 'release-managers' } }
    stage('Deploy production') { steps { sh 'helm upgrade web ./chart' } }
  }
}
`,
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      if (callersOf(world.pipelines, pipeline).length > 0) continue
      for (const { job, sure } of productionJobs(pipeline)) {
        const steps = [job, ...ancestorsOf(pipeline, job)].flatMap((candidate) => candidate.steps)
        if (steps.some((step) => isGate(step, 'approval'))) yield pass(job.at)
        else if (job.environment)
          yield cannotTell(
            job.at,
            `"${job.id}" runs in the environment "${job.environment}"; who must agree is not in the file.`,
            `an export of the protection rules of the environment "${job.environment}"`,
          )
        else if (job.remote)
          yield cannotTell(
            job.at,
            `"${job.id}" is decided by ${job.remote.replace(/,$/, '')}.`,
            `what ${job.remote.replace(/, which may deploy,$/, '')} asks for`,
            job.remote,
          )
        else if (pipeline.triggers.every((trigger) => trigger === 'workflow_dispatch') && pipeline.triggers.length > 0)
          yield cannotTell(job.at, `A person starts "${job.id}" by hand.`, 'a record of who must agree to it')
        else
          yield fail(job.at, `Nobody is asked before "${job.id}" changes production.`, sure ? {} : { severity: 'info' })
      }
    }
  },
}
