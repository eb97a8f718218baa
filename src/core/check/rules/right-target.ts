import { child, spotOf, text } from '../formats/node.ts'
import { declaredAccounts } from '../models/accounts.ts'
import { type Aim, aimsOf, intentOf, type Side, sideOf } from '../models/aim.ts'
import { folderOf } from '../models/path.ts'
import { isDeploy } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'

const SAYS: Readonly<Record<Aim['kind'], string>> = {
  role: 'assumes',
  profile: 'uses the profile',
  values: 'reads',
  workspace: 'selects the workspace',
  place: 'deploys to',
}

export const rightTarget: Rule = {
  id: 'right-target',
  question: 8,
  title: 'What says staging changes staging, and what says production changes production',
  formats: ['github-workflow', 'jenkinsfile', 'codepipeline', 'cloudformation', 'terraform', 'kustomization'],
  severity: 'error',
  reach: 3,
  harm: 'A change that was meant for rehearsal reaches citizens untested, or the release they wait for goes somewhere else.',
  defaults: 'Nothing compares the environment that a job names with the role, context or values that it uses.',
  fix: 'Let role, account, context and values come from the same environment as the job (environment secrets and variables), and ask the target before moving: holdfast deploy start does.',
  cites:
    'GitHub documentation: managing environments for deployment; playbook: quality gates must pass before deployment proceeds',
  bad: {
    '.github/workflows/staging.yml': `on: push
jobs:
  deploy:
    environment: staging
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: { role-to-assume: "arn:aws:iam::111122223333:role/production-deploy", aws-region: eu-west-2 }
      - run: cdk deploy --require-approval never
`,
  },
  good: {
    '.github/workflows/staging.yml': `on: push
jobs:
  deploy:
    environment: staging
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: { role-to-assume: "arn:aws:iam::444455556666:role/staging-deploy", aws-region: eu-west-2 }
      - run: cdk deploy --require-approval never
`,
  },
  *check(world): Iterable<Verdict> {
    const accounts = declaredAccounts(world)
    for (const pipeline of world.pipelines) {
      for (const job of pipeline.jobs.filter((one) => one.remote !== undefined || one.steps.some(isDeploy))) {
        const meant = intentOf(job, pipeline)
        if (!meant) continue
        const aims = aimsOf(job).map((aim) => ({ aim, ...pointedAt(aim, accounts) }))
        const sided = aims.filter(({ side }) => side !== undefined)
        // Who names both sides knows what they do.
        const agreeing = new Set(sided.filter(({ side }) => side === meant.side).map(({ aim }) => aim.kind))
        const wrong = sided.filter(({ aim, side }) => side !== meant.side && !agreeing.has(aim.kind))
        for (const { aim, side, because } of wrong)
          yield fail(
            aim.at,
            `"${job.id}" is for ${meant.said} and ${SAYS[aim.kind]} ${aim.said}, which ${because ?? `says ${WORD[side!]}`}.`,
          )
        if (wrong.length === 0 && agreeing.size > 0) yield pass(job.at)
      }
    }
    yield* overlays(world)
  },
}

/** An overlay whose folder names one environment and whose namespace names another. */
function* overlays(world: World): Iterable<Verdict> {
  for (const { src, root } of world.documents('kustomization')) {
    const namespace = child(root, 'namespace')
    const folder = folderOf(src.file)
    const meant = sideOf(folder)
    const side = sideOf(text(namespace) ?? '')
    if (!namespace || !meant || !side) continue
    if (side === meant) yield pass(spotOf(namespace))
    else
      yield fail(
        spotOf(namespace),
        `The overlay "${folder}" puts everything into the namespace "${text(namespace)}", which says ${WORD[side]}.`,
      )
  }
}

const WORD: Readonly<Record<Side, string>> = { production: 'production', elsewhere: 'another environment' }

/** What its account decides, else what its name says. */
function pointedAt(
  aim: Aim,
  accounts: ReturnType<typeof declaredAccounts>,
): { side?: Side | undefined; because?: string } {
  const declared = aim.account === undefined ? undefined : accounts.get(aim.account)
  if (declared)
    return {
      side: declared.side,
      because: `lies in account ${aim.account}, that ${declared.file} gives to ${WORD[declared.side]}`,
    }
  return { side: sideOf(aim.said) }
}
