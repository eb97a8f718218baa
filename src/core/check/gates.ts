/** Can this gate stop that deployment? Walks the pipeline's graph from each production deployment back to its gates. */
import { allText, child, fields, items, type Spot, spotOf, text } from './formats/node.ts'
import {
  ancestorsOf,
  callersOf,
  type GateKind,
  isDeploy,
  isGate,
  type Job,
  type Pipeline,
  productionJobs,
  runsAfterFailure,
  type Step,
  weaknessOf,
  withoutComments,
} from './models/pipeline.ts'
import { cannotTell, fail, pass, type Verdict } from './rule.ts'
import type { World } from './world.ts'

interface Candidate {
  readonly step: Step
  /** Why it could not stop the deployment; undefined when it could. */
  readonly flaw?: { readonly at: Spot; readonly how: string; readonly conditional: boolean }
}

const NOUN: Readonly<Record<GateKind, string>> = {
  tests: 'a test',
  security: 'a security scan',
  accessibility: 'an accessibility check',
  approval: 'an approval',
}

/** One verdict for each production deployment of the tree. */
export function judgeGate(world: World, kind: Exclude<GateKind, 'approval'>): readonly Verdict[] {
  return world.pipelines.flatMap((pipeline) =>
    productionJobs(pipeline).flatMap(({ job, sure }) => judgeJob(world, pipeline, job, sure, kind) ?? []),
  )
}

function judgeJob(
  world: World,
  pipeline: Pipeline,
  job: Job,
  sure: boolean,
  kind: Exclude<GateKind, 'approval'>,
): Verdict | undefined {
  const callers = callersOf(world.pipelines, pipeline)
  const before = [
    ...ancestorsOf(pipeline, job),
    ...linkedJobs(world, pipeline),
    ...callers.flatMap((caller) => ancestorsOf(caller.pipeline, caller.job)),
  ]
  const steps = [
    ...before.flatMap((ancestor) => candidates(ancestor, job, kind)),
    ...ownCandidates(job, kind),
    ...built(world, pipeline, kind),
  ]
  const strong = steps.find((candidate) => !candidate.flaw)
  if (strong) return pass(job.at)
  const weak = steps[0]
  const noun = NOUN[kind].replace(/^an? /, '')
  if (weak?.flaw) {
    const says = `The ${noun} before "${job.id}" cannot stop it: ${weak.flaw.how}.`
    return fail(weak.flaw.at, says, { ...(sure && !weak.flaw.conditional ? {} : { severity: 'warn' as const }) })
  }
  if (callers.length > 0) return besideOf(pipeline, job, sure, kind)
  const remote = [job, ...before].find((candidate) => candidate.remote !== undefined)
  if (remote)
    return cannotTell(
      job.at,
      `Nothing in this repository is ${NOUN[kind]} before "${job.id}".`,
      `what ${remote.remote} runs`,
      remote.remote,
    )
  return (
    besideOf(pipeline, job, sure, kind) ??
    elsewhere(world, pipeline, job, sure, kind) ??
    unseen(world, pipeline, job, before, sure, kind)
  )
}

function candidates(ancestor: Job, job: Job, kind: GateKind): readonly Candidate[] {
  return ancestor.steps
    .filter((step) => isGate(step, kind))
    .map((step) => {
      const weak = weaknessOf(step, kind) ?? ancestor.ignoresFailure
      if (weak) return { step, flaw: { ...weak, conditional: false } }
      if (runsAfterFailure(job.condition))
        return {
          step,
          flaw: {
            at: job.conditionAt ?? job.at,
            how: `"${job.condition}" lets the deployment run after a failure`,
            conditional: false,
          },
        }
      return withCondition(step, ancestor)
    })
}

function ownCandidates(job: Job, kind: GateKind): readonly Candidate[] {
  const deploys = job.steps.findIndex(isDeploy)
  const before = job.steps.slice(0, deploys < 0 ? undefined : deploys)
  const forced = deploys >= 0 && runsAfterFailure(job.steps[deploys]!.condition)
  // Within one script the gate may stand above the deploy command.
  const same = deploys >= 0 && isGate(job.steps[deploys]!, kind) && kind !== 'security' ? [job.steps[deploys]!] : []
  return [...before.filter((step) => isGate(step, kind)), ...same].map((step) => {
    const weak = weaknessOf(step, kind) ?? job.ignoresFailure
    if (weak) return { step, flaw: { ...weak, conditional: false } }
    if (forced)
      return {
        step,
        flaw: { at: job.steps[deploys]!.at, how: 'the deploying step runs after a failure too', conditional: false },
      }
    return withCondition(step, job)
  })
}

/** A step with a condition of its own may be passed over while its job succeeds. Jenkins stages are passed over the same way. */
function withCondition(step: Step, job: Job): Candidate {
  const harmless = (condition: string) =>
    /^\$?\{?\{?\s*(?:success\(\)|always\(\)|!\s*cancelled\(\))\s*\}?\}?$/.test(condition)
  if (step.condition && !harmless(step.condition))
    return { step, flaw: { at: step.at, how: `it only runs when ${step.condition.slice(0, 80)}`, conditional: true } }
  if (job.condition && job.at.file.match(/jenkinsfile/i) && !/^(branch|allOf|anyOf)/.test(job.condition))
    return {
      step,
      flaw: {
        at: job.conditionAt ?? job.at,
        how: `its stage is passed over unless ${job.condition.slice(0, 80)}`,
        conditional: true,
      },
    }
  return { step }
}

/** The jobs of the workflow that this one waits for, when it goes on only after success. */
function linkedJobs(world: World, pipeline: Pipeline): readonly Job[] {
  const names = pipeline.triggers
    .filter((trigger) => trigger.startsWith('workflow_run:'))
    .map((trigger) => trigger.slice(13))
  if (names.length === 0 || pipeline.triggers.length > names.length + 1) return []
  const checked = pipeline.jobs.some((job) => /workflow_run\.conclusion\s*==\s*'success'/.test(job.condition ?? ''))
  if (!checked) return []
  return world.pipelines.filter((other) => names.includes(other.name)).flatMap((other) => other.jobs)
}

/** CodePipeline runs its gates in CodeBuild projects: the buildspecs of the tree stand for them. */
function built(world: World, pipeline: Pipeline, kind: GateKind): readonly Candidate[] {
  if (pipeline.tool !== 'codepipeline') return []
  const named = pipeline.jobs
    .flatMap((job) => job.steps)
    .filter((step) => /^(Build|Test):/.test(step.uses) && isGate(step, kind))
  const specs = buildspecSteps(world).filter((step) => isGate(step, kind))
  return [...specs, ...named].map((step) => {
    const weak = weaknessOf(step, kind)
    return { step, ...(weak ? { flaw: { ...weak, conditional: false } } : {}) }
  })
}

export function buildspecSteps(world: World): readonly Step[] {
  return world.documents('buildspec').flatMap(({ root }) =>
    fields(child(root, 'phases')).flatMap(([phase, node]) => {
      const goesOn = text(child(node, 'on-failure')) === 'CONTINUE'
      return items(child(node, 'commands')).map((command): Step => {
        const run = withoutComments(allText(command))
        const at = spotOf(command)
        return {
          at,
          name: phase,
          run,
          uses: '',
          ...(goesOn
            ? {
                ignoresFailure: {
                  at: spotOf(child(node, 'on-failure')!),
                  how: 'on-failure: CONTINUE lets the build go on',
                },
              }
            : {}),
        }
      })
    }),
  )
}

/** The gate runs in the same pipeline, at the same time. */
function besideOf(pipeline: Pipeline, job: Job, sure: boolean, kind: GateKind): Verdict | undefined {
  const beside = pipeline.jobs.find(
    (candidate) => candidate !== job && candidate.steps.some((step) => isGate(step, kind)),
  )
  if (!beside) return undefined
  const noun = NOUN[kind].replace(/^an? /, '')
  return fail(job.at, `"${job.id}" does not wait for "${beside.id}", which runs the ${noun} beside it.`, {
    ...(sure ? {} : { severity: 'warn' as const }),
    fix: `Add needs: ${beside.id} to ${job.id}.`,
  })
}

/** The gate exists, but in a pipeline that nothing ties to this one. */
function elsewhere(world: World, pipeline: Pipeline, job: Job, sure: boolean, kind: GateKind): Verdict | undefined {
  const noun = NOUN[kind].replace(/^an? /, '')
  const other = world.pipelines.find(
    (candidate) =>
      candidate !== pipeline && candidate.jobs.some((inner) => inner.steps.some((step) => isGate(step, kind))),
  )
  if (!other) return undefined
  const only =
    other.triggers.length > 0 &&
    other.triggers.every((trigger) => trigger === 'schedule' || trigger === 'workflow_dispatch')
  if (only)
    return fail(
      job.at,
      `The only ${noun} (${other.file}) runs ${other.triggers.join(' or ')}: nothing ties it to "${job.id}".`,
      sure ? {} : { severity: 'warn' },
    )
  return cannotTell(
    job.at,
    `The ${noun} runs in ${other.file}, which "${job.id}" does not wait for.`,
    `an export of the branch protection that makes ${other.file} a required check before merging`,
  )
}

function unseen(
  world: World,
  pipeline: Pipeline,
  job: Job,
  before: readonly Job[],
  sure: boolean,
  kind: GateKind,
): Verdict {
  const noun = NOUN[kind].replace(/^an? /, '')
  const action = [...before, job].flatMap((candidate) => candidate.steps).find((step) => mayScan(step, kind))
  if (action)
    return cannotTell(
      job.at,
      `No ${noun} is visible before "${job.id}"; ${action.uses} is given what one needs.`,
      `what ${action.uses} runs, and whether it fails`,
      action.uses,
    )
  const script = [...before, job]
    .flatMap((candidate) => candidate.steps)
    .map((step) => opaqueCommand(step, kind))
    .find(Boolean)
  if (script) return cannotTell(job.at, `No ${noun} is visible before "${job.id}".`, `what "${script}" runs`)
  if (pipeline.tool === 'codepipeline' && world.documents('buildspec').length === 0)
    return cannotTell(job.at, `No ${noun} is visible before "${job.id}".`, 'the buildspec of its CodeBuild projects')
  return fail(
    job.at,
    `Nothing in this repository is ${NOUN[kind]} before "${job.id}".`,
    sure ? {} : { severity: 'warn' },
  )
}

/** An action from elsewhere that is handed a scanner's key or settings. */
function mayScan(step: Step, kind: GateKind): boolean {
  if (step.uses === '' || step.uses.startsWith('./') || !step.with) return false
  const keys = fields(step.with)
    .map(([key]) => key)
    .join(' ')
  return isGate({ ...step, name: keys, run: keys, uses: '' }, kind)
}

/** A command whose content is in a script we have not read. */
function opaqueCommand(step: Step, kind: GateKind): string | undefined {
  if (isDeploy(step)) return undefined
  // What Maven or Gradle check besides the tests stands in files of their own.
  const build =
    kind === 'tests'
      ? null
      : /\bmvnw?\b[^\n]*\b(?:verify|install)\b|\bgradlew?\b[^\n]*\b(?:check|build)\b/.exec(step.run)
  if (build) return build[0].slice(0, 60)
  return /(?:^|\n|&&|;)\s*((?:bash|sh)\s+\S+|\.\/[\w./-]+|make\s+[\w-]+|(?:npm|yarn|pnpm)\s+run\s+[\w:-]+|just\s+\w+|task\s+\w+|rake\s+\w+|tox|nox)/
    .exec(step.run)?.[1]
    ?.slice(0, 60)
}
