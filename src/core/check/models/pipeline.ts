/**
 * A delivery pipeline as a graph of jobs, whatever tool runs it. The question everything here serves: can this step really stop
 * that deployment?
 */
import { child, type Node, type Spot, text } from '../formats/node.ts'

export interface Step {
  readonly at: Spot
  /** The step's own name, for messages and recognition. */
  readonly name: string
  /** The shell text it runs, comments removed; '' for an action. */
  readonly run: string
  /** The action or plugin it uses: `aws-actions/amazon-ecs-deploy-task-definition@v2`, `input`, `Manual approval`. */
  readonly uses: string
  readonly with?: Node
  /** The step's own condition, as written. */
  readonly condition?: string
  /** Where its failure is declared not to matter. */
  readonly ignoresFailure?: { readonly at: Spot; readonly how: string }
}

export interface Job {
  readonly id: string
  readonly at: Spot
  readonly needs: readonly string[]
  readonly steps: readonly Step[]
  readonly condition?: string
  readonly conditionAt?: Spot
  /** The deployment environment it names. */
  readonly environment?: string
  readonly ignoresFailure?: { readonly at: Spot; readonly how: string }
  /** A workflow, library or template from elsewhere that decides what this job does. */
  readonly remote?: string
  readonly timeoutMinutes?: number
  readonly node?: Node
}

export interface Pipeline {
  readonly tool: 'github' | 'jenkins' | 'codepipeline'
  readonly name: string
  readonly file: string
  readonly at: Spot
  /** `push`, `pull_request`, `schedule`, `workflow_dispatch`, `workflow_run:<name>` … */
  readonly triggers: readonly string[]
  readonly jobs: readonly Job[]
  readonly node?: Node
  /** True when a failed job already keeps later ones from running (sequential stages). */
  readonly sequential: boolean
}

// What deploys. Kept to commands and actions whose only use is to change what runs.
const DEPLOYS =
  /\bhelm\s+(?:upgrade|install)\b|\bkubectl\s+(?:-\S+\s+\S+\s+)*(?:apply|set\s+image|replace|rollout\s+restart)\b|\bterraform\s+(?:-\S+\s+)*apply\b|\bcdk\s+deploy\b|\bsam\s+deploy\b|\b(?:serverless|sls)\s+deploy\b|\bkamal\s+deploy\b|\bcf\s+(?:push|blue-green-deploy|zero-downtime-push)\b|\baws\s+ecs\s+(?:update-service|deploy)\b|\baws\s+deploy\s+create-deployment\b|\baws\s+cloudformation\s+(?:deploy|update-stack|execute-change-set)\b|\baws\s+lambda\s+update-(?:function-code|alias)\b|\bdocker\s+stack\s+deploy\b|\bgcloud\s+(?:run|app|functions)\s+deploy\b|\bfly(?:ctl)?\s+deploy\b|\beb\s+deploy\b|\becs-deploy\b|\bcopilot\s+(?:svc\s+)?deploy\b|\bansible-playbook\b|\bholdfast\s+deploy\s+start\b|(?:^|&&|\|\||;)[ \t]*(?:(?:sudo|bash|sh|node|python3?|ruby)[ \t]+)?(?:[\w.-]*\/){0,6}deploy(?:[-_](?:to[-_])?(?:prod|production|live))?(?:\.sh|\.py|\.js|\.rb)?(?=\s|$)(?!\s+(?:rollback|halt|plan|status)\b)|\b(?:npm|yarn|pnpm)\s+run\s+deploy\b|\bmake\s[^\n;&|]{0,120}?\bdeploy\b(?![-_.\w])|\bcap\s+\w+\s+deploy\b/m
const DEPLOYS_ACTION =
  /amazon-ecs-deploy-task-definition|aws-cloudformation-github-deploy|azure\/(?:k8s-deploy|webapps-deploy|functions-action|container-apps-deploy)|google-github-actions\/deploy-|actions\/deploy-pages|appleboy\/ssh-action|superfly\/flyctl|kamal|\/deploy@|deploy-action|deploy-to-|\/deploy[-_](?!key|status|preview|comment|notif)[\w-]+@|Deploy:(?:CodeDeploy|ECS|CodeDeployToECS|CloudFormation|ElasticBeanstalk|S3)/i

const SCRIPT_CHARS_MAX = 60_000
const LINE_CHARS_MAX = 2_000

/** The shell text of a step without its comments, cut to a length in which words can be searched for without risk. */
export function withoutComments(script: string): string {
  return script
    .slice(0, SCRIPT_CHARS_MAX)
    .split('\n')
    .map((line) => line.slice(0, LINE_CHARS_MAX).replace(/^[ \t]*#.*|[ \t]#[ \t].*/, ''))
    .join('\n')
}

/** Does this step change what runs somewhere? Dry runs, plans and diffs do not. */
export function isDeploy(step: Step): boolean {
  if (DEPLOYS_ACTION.test(step.uses)) return true
  const acting = step.run
    .split('\n')
    .filter(
      (line) =>
        !/--dry-run(?!=none)|\bterraform\s+plan\b|--diff-only|--no-execute-changeset|^\s*(?:echo|printf)\b/.test(line),
    )
    .join('\n')
  return DEPLOYS.test(acting)
}

const PRODUCTION = /(?:^|[^a-z])(?:prod|production|prd|live)(?:[^a-z]|$)/i
const ELSEWHERE =
  /(?:^|[^a-z])(?:dev|develop|development|test|testing|staging|stage|stg|preview|preprod|pre-prod|qa|uat|sandbox|review|integration|int|nonprod|non-prod|demo|pages|docs|canary-site|storybook)(?:[^a-z]|$)/i

/**
 * Where a job deploys to: `production`, `elsewhere`, `unsaid` (it deploys, and does not say where), or undefined (it does not
 * deploy at all).
 */
export function targetOf(job: Job): 'production' | 'elsewhere' | 'unsaid' | undefined {
  const step = job.steps.find(isDeploy)
  // A library's remote release workflow publishes a package; only one that deploys, or names an environment, reaches citizens.
  const remoteDeploy =
    job.remote !== undefined && (/deploy/i.test(`${job.remote} ${job.id}`) || PRODUCTION.test(job.environment ?? ''))
  if (!step && !remoteDeploy) return undefined
  const words = [job.environment ?? '', job.id, step?.name ?? '', step?.run.match(DEPLOYS)?.[0] ?? '', lineOf(step)]
  for (const said of words) {
    if (PRODUCTION.test(said) && !/non-?prod|pre-?prod/i.test(said)) return 'production'
    if (ELSEWHERE.test(said)) return 'elsewhere'
  }
  return 'unsaid'
}

function lineOf(step: Step | undefined): string {
  return step?.run.split('\n').find((line) => DEPLOYS.test(line)) ?? ''
}

export type GateKind = 'tests' | 'security' | 'accessibility' | 'approval'

const GATES: Readonly<Record<Exclude<GateKind, 'approval'>, RegExp>> = {
  tests:
    /\b(?:npm|yarn|pnpm|bun)\s+(?:run\s+|-\S+\s+)*(?:test|t|ci:test|check|verify)(?:[:\s]|$)|\bnpm\s+t\b|\bnpx\s+(?:jest|vitest|mocha|playwright|cypress)\b|\b(?:pytest|(?:parallel_|turbo_)?rspec|phpunit|jest|vitest|tox|nosetests)\b|\bgo\s+test\b|\bcargo\s+test\b|\bdotnet\s+test\b|\b(?:mvn|mvnw)\b[^\n]*\b(?:test|verify|install|package)\b|\bgradlew?\b[^\n]*\b(?:test|check|build)\b|\b(?:rake|rails|bin\/rails)\s+(?:test|spec)\b|\bmake\s+(?:\S+\s+)*(?:test|check)\b|\bpython\s+(?:-m\s+unittest|manage\.py\s+test)\b|\bsbt\s+test\b|cypress-io\/github-action/im,
  security:
    /\b(?:npm|yarn|pnpm)\s+audit\b|\baudit-ci\b|\btrivy\b|\bsnyk\b|codeql|\bgrype\b|dependency-check|dependencycheck|\bzap-?(?:baseline|full)?\b|zaproxy|\bbandit\b|\bsemgrep\b|\bpip-audit\b|\bbrakeman\b|bundler?-audit|bundle\s+audit|\bsafety\s+(?:check|scan)\b|osv-scanner|dependency-review|\bcargo\s+audit\b|\bdocker\s+scout\b|\banchore\b|\bgovulncheck\b|\bnancy\b|\bowasp\b|\bveracode\b|\bcheckmarx\b|\bsonar(?:cloud|qube|-scanner)?\b|security[-_ ]scan/i,
  accessibility:
    /\baxe\b|@axe-core|\bpa11y(?:-ci)?\b|\blhci\b|lighthouse|\ba11y\b|accessibility|\bwcag\b|\bwave-cli\b/i,
}

/** Does this step test, scan or ask? A step may be several gates at once. */
export function isGate(step: Step, kind: GateKind): boolean {
  if (kind === 'approval')
    return /^(?:input|Manual ?approval|Approval:Manual)$|trstringer\/manual-approval/i.test(step.uses)
  const words = `${step.run}\n${step.uses}\n${kind === 'tests' ? '' : step.name}`
  if (kind === 'tests' && /^(?:unit|integration|e2e|end-to-end|acceptance|smoke)?[ -]?tests?$/i.test(step.name))
    return true
  return GATES[kind].test(words)
}

/**
 * Why a failing gate would not fail its job, or undefined when it would. Only what the file shows.
 */
export function weaknessOf(step: Step, kind: GateKind): { readonly at: Spot; readonly how: string } | undefined {
  if (step.ignoresFailure) return step.ignoresFailure
  const { at } = step
  const line =
    step.run.split('\n').find((candidate) => GATES[kind as Exclude<GateKind, 'approval'>]?.test(candidate)) ?? ''
  const swallowed = /\|\|\s*(true|:|exit\s+0|echo\b)/.exec(line)
  if (swallowed) return { at, how: `its failure is thrown away by "|| ${swallowed[1]}"` }
  if (/;\s*(?:true|exit\s+0)\s*$/.test(line)) return { at, how: 'the line always ends with success' }
  const off = /(?:^|\n)\s*set\s+\+e\b/.exec(step.run)
  if (
    off &&
    step.run.indexOf(line) > off.index &&
    !/\bset\s+-e|\bexit\s+\$/.test(step.run.slice(off.index + 6)) &&
    !isLast(step.run, line)
  )
    return { at, how: '"set +e" before it lets the script go on' }
  if (
    /--exit-code[= ]0\b|--soft-fail\b|--no-fail\b|--exit-zero\b|--fail-on[= ]none\b|--passWithNoTests\b.*--findRelatedTests/.test(
      line,
    )
  )
    return { at, how: 'a flag tells it to end with success whatever it finds' }
  return actionWeakness(step)
}

function isLast(run: string, line: string): boolean {
  return run.trimEnd().endsWith(line.trimEnd())
}

function actionWeakness(step: Step): { readonly at: Spot; readonly how: string } | undefined {
  const input = (name: string) => {
    const entry = step.with?.kind === 'map' ? step.with.entries.get(name)?.value : undefined
    return entry?.kind === 'scalar' ? entry.text : entry ? '?' : undefined
  }
  // Documented default of aquasecurity/trivy-action: exit-code 0.
  if (/aquasecurity\/trivy-action/.test(step.uses) && (input('exit-code') ?? '0') === '0')
    return { at: step.at, how: 'the action ends with success unless exit-code is set to 1' }
  if (/anchore\/scan-action/.test(step.uses) && input('fail-build') === 'false')
    return { at: step.at, how: 'fail-build is false' }
  if (/zaproxy\/action-/.test(step.uses) && input('fail_action') !== 'true')
    return { at: step.at, how: 'the action reports, and fails only with fail_action: true' }
  if (/checkov-action/.test(step.uses) && input('soft_fail') === 'true')
    return { at: step.at, how: 'soft_fail is true' }
  return undefined
}

/** Every job that must have ended before this one may start, through any number of needs. */
export function ancestorsOf(pipeline: Pipeline, job: Job): readonly Job[] {
  const seen = new Map<string, Job>()
  const open = [...job.needs]
  while (open.length > 0) {
    const id = open.pop()!
    const found = pipeline.jobs.find((candidate) => candidate.id === id)
    if (!found || seen.has(id) || found === job) continue
    seen.set(id, found)
    open.push(...found.needs)
  }
  return [...seen.values()]
}

/**
 * The jobs that run a workflow of this tree which nothing else starts. What its callers hold (the gates, the window, the turn) holds
 * for it, and is judged there. None when it can also start by itself.
 */
export function callersOf(
  pipelines: readonly Pipeline[],
  called: Pipeline,
): readonly { readonly pipeline: Pipeline; readonly job: Job }[] {
  if (called.triggers.length === 0 || called.triggers.some((trigger) => trigger !== 'workflow_call')) return []
  return pipelines.flatMap((pipeline) =>
    pipeline.jobs.filter((job) => localCall(job) === called.file).map((job) => ({ pipeline, job })),
  )
}

/** The workflow of this tree that a job runs instead of steps of its own. */
export function localCall(job: Job): string | undefined {
  const uses = text(child(job.node, 'uses'))
  return uses?.startsWith('./') ? uses.slice(2) : undefined
}

/** Does the condition let the job run although something before it failed? */
export function runsAfterFailure(condition: string | undefined): boolean {
  if (!condition) return false
  const asks = /\balways\(\)|!\s*cancelled\(\)|\bfailure\(\)/.test(condition)
  return (
    asks &&
    !/needs\.[\w-]+\.result\s*==\s*'success'|!\s*(?:contains\()?\s*needs\.\*\.result|!\s*failure\(\)|\bsuccess\(\)|needs\.[\w-]+\.outputs\.|needs\.[\w-]+\.result\s*!=\s*'failure'|!\s*contains\(\s*needs\.\*\.result\s*,\s*'failure'/.test(
      condition,
    )
  )
}

/** Jobs that deploy to production. When none says so, a pipeline's only deploying job stands in, if it is not named for elsewhere. */
export function productionJobs(pipeline: Pipeline): readonly { readonly job: Job; readonly sure: boolean }[] {
  const targets = pipeline.jobs.map((job) => ({ job, target: targetOf(job) }))
  const sure = targets.filter(({ target }) => target === 'production').map(({ job }) => ({ job, sure: true }))
  if (sure.length > 0) return sure
  if (ELSEWHERE.test(pipeline.name) || ELSEWHERE.test(pipeline.file.slice(pipeline.file.lastIndexOf('/') + 1)))
    return []
  if (pipeline.triggers.length > 0 && pipeline.triggers.every((trigger) => /^pull_request/.test(trigger))) return []
  return targets.filter(({ target }) => target === 'unsaid').map(({ job }) => ({ job, sure: false }))
}
