import { section } from '../models/jenkins.ts'
import { localCall, productionJobs } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

// GitHub's default for timeout-minutes; a person is told only when it has passed.
const GITHUB_DEFAULT_MINUTES = 360

/** Holdfast itself, or the script of the kit that watches a platform's own deployment and takes it back. */
const WATCHED = /\bholdfast\s+deploy\s+start\b|\bops\/pipeline\/deploy\.sh\b/

export const deployTimeout: Rule = {
  id: 'deploy-timeout',
  question: 10,
  title: 'A deployment that hangs is noticed within the hour',
  formats: ['github-workflow', 'jenkinsfile'],
  severity: 'warn',
  reach: 2,
  harm: 'A deployment that hangs keeps citizens on a half-changed service while everybody believes it is still going on.',
  defaults: 'GitHub: 360 minutes. Jenkins: for ever.',
  fix: 'Set timeout-minutes on the job (twice what a good deployment takes), or options { timeout(…) }.',
  cites: 'GitHub documentation: jobs.<job_id>.timeout-minutes',
  bad: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  good: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    timeout-minutes: 30\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      for (const { job } of productionJobs(pipeline)) {
        if (job.remote !== undefined || pipeline.tool === 'codepipeline') continue
        // GitHub takes no timeout on a call; the called workflow is judged where it stands.
        if (localCall(job) !== undefined) continue
        const file = world.jenkinsfiles.find((candidate) => candidate.src.file === pipeline.file)
        const options = file && section(file, 'options')
        const jenkins =
          (options?.block ?? []).some((call) => call.name === 'timeout') ||
          /timeout\s*\(/.test(jobText(file?.src.text, job.id))
        const minutes =
          job.timeoutMinutes ?? (pipeline.tool === 'jenkins' ? (jenkins ? 60 : undefined) : GITHUB_DEFAULT_MINUTES)
        // Holdfast sees a deployment through on evidence, for as long as its bake, and pages by itself when it hangs.
        const watched = job.timeoutMinutes !== undefined && job.steps.some(({ run }) => WATCHED.test(run))
        if (minutes === undefined) yield fail(job.at, `"${job.id}" may hang for ever.`)
        else if (minutes > 60 && !watched)
          yield fail(job.at, `"${job.id}" may hang for ${minutes} minutes before anybody is told.`, {
            arithmetic: `${job.timeoutMinutes === undefined ? 'default' : 'timeout-minutes'} ${minutes} min > 60 min`,
          })
        else yield pass(job.at)
      }
    }
  },
}

/** The text of a Jenkins stage, roughly: from its name on. */
function jobText(text: string | undefined, id: string): string {
  // The name may stand elsewhere before, as in an environment of the same name.
  const stages = [`stage('${id}'`, `stage("${id}"`, id].map((word) => text?.indexOf(word) ?? -1)
  const from = stages.find((at) => at >= 0) ?? -1
  return from < 0 ? '' : text!.slice(from, from + 600)
}
