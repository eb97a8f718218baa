import { allText } from '../formats/node.ts'
import { ancestorsOf, callersOf, productionJobs } from '../models/pipeline.ts'
import { cannotTell, pass, type Rule, type Verdict } from '../rule.ts'

/** Words of something that asks a calendar before it lets a deployment go. */
export const WINDOW =
  /holdfast\s+deploy|deployment[-_ ]?window|change[-_ ]?freeze|freeze[-_ ]?(?:check|calendar|window)|merge[-_ ]?window|maintenance[-_ ]?window|DeploymentWindow/i

export const deployWindow: Rule = {
  id: 'deploy-window',
  question: 7,
  title: 'Something keeps a deployment away from the peaks',
  formats: ['github-workflow', 'jenkinsfile', 'codepipeline', 'cloudformation', 'terraform'],
  severity: 'info',
  reach: 2,
  harm: 'A bad release meets the most citizens it can, on the day of the deadline.',
  defaults: 'A pipeline deploys whenever somebody pushes.',
  fix: 'Ask the peak calendar before deploying (holdfast deploy start does), and let manual deployments ask it too.',
  cites: 'playbook: is there a deployment window that avoids peak demand periods?',
  bad: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  good: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: holdfast deploy start --release 42 }]\n',
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      if (callersOf(world.pipelines, pipeline).length > 0) continue
      for (const { job, sure } of productionJobs(pipeline)) {
        if (!sure) continue
        const words = [job, ...ancestorsOf(pipeline, job)]
          .map(
            (part) =>
              `${part.id} ${part.steps.map((step) => `${step.name} ${step.run} ${step.uses}`).join(' ')} ${allText(part.node)}`,
          )
          .join('\n')
        if (WINDOW.test(words)) yield pass(job.at)
        else
          yield cannotTell(
            job.at,
            `Nothing visible keeps "${job.id}" away from the service's peaks.`,
            'the peaks of the service (service.yaml) and what closes the window then',
          )
      }
    }
  },
}
