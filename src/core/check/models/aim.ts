/**
 * What a deploying job aims at: the roles, accounts, contexts, workspaces and files of values that its steps name, and which side of
 * the line between production and everything else each of them says. A name that says both, or neither, decides nothing.
 */
import { child, fields, type Node, type Spot, spotOf, text } from '../formats/node.ts'
import { isDeploy, type Job, type Pipeline, type Step } from './pipeline.ts'

export type Side = 'production' | 'elsewhere'

/** `place` is one group: a cluster may be shared, as long as namespace or stack tell the environments apart. */
export type AimKind = 'role' | 'profile' | 'values' | 'workspace' | 'place'

export interface Aim {
  readonly kind: AimKind
  /** As written, cut at 120 characters. */
  readonly said: string
  readonly at: Spot
  /** The twelve digits of an account, where it names one. */
  readonly account?: string
}

const PRODUCTION = new Set(['prod', 'prd', 'production'])
const ELSEWHERE = new Set(['dev', 'develop', 'development', 'staging', 'stg', 'uat', 'qa', 'sandbox', 'nonprod'])
// Words that mean something else in many names (a driving test, a stage of a form, a cluster called live): only alone, or as the
// last word of a path or file name, are they an environment.
const ALONE: Readonly<Record<string, Side>> = { live: 'production', test: 'elsewhere', stage: 'elsewhere' }

/** Which side a name is on; undefined when it says nothing, or both. */
export function sideOf(name: string): Side | undefined {
  const words = name
    .slice(0, 400)
    .replace(/([a-z\d])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, (_, low = '', high = '', cap = '') => `${low}${cap}-${high}`)
    .toLowerCase()
    .replace(/\b(?:non|pre)[-_ ]?(?:production|prod|live)\b/g, 'nonprod')
  const tokens = words.split(/[^a-z]+/)
  const sides = new Set<Side>()
  for (const token of tokens) {
    if (PRODUCTION.has(token)) sides.add('production')
    if (ELSEWHERE.has(token)) sides.add('elsewhere')
  }
  const last = /(?:^|\/|values[-_.]|\b(?:to|env|environment)[ =-])(live|test|stage)(?:\.\w{2,6}){0,2}\/?$/.exec(
    words.trim(),
  )?.[1]
  if (last) sides.add(ALONE[last]!)
  return sides.size === 1 ? [...sides][0] : undefined
}

/** What the job says that it is for: its environment decides, then its own name, then its pipeline's. */
export function intentOf(job: Job, pipeline: Pipeline): { readonly side: Side; readonly said: string } | undefined {
  const environment = environmentOf(job)
  if (environment !== undefined) {
    const side = sideOf(environment)
    return side && { side, said: `the environment "${environment.slice(0, 80)}"` }
  }
  // "Promote what runs in staging" is not for staging.
  if (/promot|swap|copy|retag|from|after|verify|destroy|clean|tear/i.test(job.id)) return undefined
  const own = sideOf(job.id)
  if (own) return { side: own, said: `its name "${job.id.slice(0, 80)}"` }
  const file = pipeline.file.slice(pipeline.file.lastIndexOf('/') + 1).replace(/\.\w+$/, '')
  const side = pipeline.jobs.filter((other) => other.steps.some(isDeploy)).length === 1 ? sideOf(file) : undefined
  return side && { side, said: `the file's name "${file.slice(0, 80)}"` }
}

/** The environment, also where a called workflow takes it from its inputs. */
function environmentOf(job: Job): string | undefined {
  if (!/^\s*\$\{\{\s*inputs\./.test(job.environment ?? '')) return job.environment
  const given = child(job.node, 'with')
  return ['environment', 'env', 'stage'].map((key) => text(child(given, key))).find(Boolean) ?? job.environment
}

const VALUE = String.raw`[= ]\s*["']?((?:\$\{\{[^}\n]{1,200}\}\}|[^\s"';|&\\])+)`
const inLine = (words: string) => new RegExp(`${words}${VALUE}`, 'g')

/** Options of the commands that deploy, and in which lines they mean that. Read only in lines that act. */
const OPTIONS: readonly (readonly [kind: AimKind, option: RegExp, within?: RegExp])[] = [
  ['role', inLine('--(?:role-arn|role)')],
  ['profile', inLine('(?:--profile|\\bAWS_PROFILE)')],
  ['values', inLine('(?:-var-file|-backend-config|--values|--config-env|--stage|--env-file|--parameters)')],
  ['values', inLine('(?:\\s-k|\\bkustomize\\s+build|\\s-chdir)')],
  ['values', inLine('\\s-f'), /\bhelm\b|\bcompose\b/],
  ['workspace', inLine('(?:\\bTF_WORKSPACE|\\bworkspace\\s+(?:select|new)(?:\\s+-or-create(?:=true)?)?)')],
  [
    'place',
    inLine('--(?:kube-context|context|cluster|cluster-name|namespace|stack-name|application-name|destination)'),
  ],
  ['place', inLine('\\s-n'), /\bkubectl\b|\bhelm\b/],
  ['place', inLine('(?:\\buse-context|\\bkubectx|\\bget-credentials)')],
  ['place', inLine('\\s--name'), /\bupdate-kubeconfig\b/],
]
const ACTS =
  /\b(?:kubectl|helm|terraform|tofu|terragrunt|cdk|sam|serverless|sls|kustomize|docker|copilot|eb|gcloud|aws|kubectx|AWS_PROFILE|TF_WORKSPACE)\b/
// Looking at another environment harms nobody.
const LOOKS =
  /\s(?:get|describe|logs|diff|top|wait|version|template|lint|output|show|pull|login)\s|\b(?:describe|list)-[a-z]/
const SETS_PLACE = /\b(?:use-context|kubectx|get-credentials|update-kubeconfig)\b/

/** Inputs of actions and called workflows, and keys of CodePipeline's configuration. */
const INPUTS: readonly (readonly [AimKind, RegExp])[] = [
  ['role', /^(?:role-to-assume|aws-role(?:-arn)?|role(?:-arn)?|rolearn|assume-role)$/i],
  ['profile', /^(?:aws-)?profile$/i],
  [
    'values',
    /^(?:values?(?:-files?)?|var-files?|tfvars(?:-file)?|config-env|templateconfiguration|parameter-overrides-file)$/i,
  ],
  ['workspace', /^(?:tf-)?workspace$/i],
  [
    'place',
    /^(?:cluster|cluster-?name|stack-?name|namespace|kube-?context|context|applicationname|deploymentgroupname)$/i,
  ],
]

/** Everything that the job's unconditional steps name up to its last deploying one, in order; of what a later step replaces, the last. */
export function aimsOf(job: Job): readonly Aim[] {
  const last = job.steps.findLastIndex(isDeploy)
  const steps = job.steps
    .slice(0, last + 1)
    .filter((step) => /^$|^\W*(?:success|always)\(\)\W*$/.test(step.condition ?? ''))
  const found = steps.flatMap((step) => [...inputAims(step.with, isDeploy(step) || setsUp(step)), ...lineAims(step)])
  // What a called workflow is given; inside, those are inputs.
  const called = inputAims(child(job.node, 'with'), true)
  const all = [...called, ...inputAims(child(job.node, 'env'), true), ...found]
  const role = all.findLast(({ kind }) => kind === 'role')
  return all.filter((aim) => aim.kind !== 'role' || aim === role)
}

function setsUp(step: Step): boolean {
  return /configure-aws-credentials|kubectl|set-context|login/i.test(step.uses)
}

function inputAims(node: Node | undefined, counts: boolean): Aim[] {
  if (!counts) return []
  return fields(node).flatMap(([key, value]) => {
    const kind = INPUTS.find(([, pattern]) => pattern.test(key.replaceAll('_', '-')))?.[0]
    const said = text(value)
    return kind && said !== undefined ? aim(kind, said, spotOf(value)) : []
  })
}

function lineAims(step: Step): Aim[] {
  const lines = step.run.replace(/\\\r?\n/g, ' ').split('\n')
  const deploys = isDeploy(step)
  return lines.flatMap((line) => {
    if (!ACTS.test(line)) return []
    const carries =
      SETS_PLACE.test(line) ||
      /\bworkspace\s+(?:select|new)\b|\b(?:terraform|tofu)\b.*\bplan\b|\bassume-role\b/.test(line)
    if (!(deploys || carries) || (LOOKS.test(line) && !SETS_PLACE.test(line))) return []
    return OPTIONS.flatMap(([kind, option, within]) =>
      within?.test(line) === false ? [] : [...line.matchAll(option)].flatMap((match) => aim(kind, match[1]!, step.at)),
    )
  })
}

/** An expression that chooses between two is left to whoever runs it. */
function aim(kind: AimKind, written: string, at: Spot): Aim[] {
  if (/&&|\|\||==|\bformat\(|\b(?:matrix|inputs)\./.test(written)) return []
  const said = written.slice(0, 120)
  const account = /(?:^|[:/])(\d{12})(?=$|[:.])/.exec(written)?.[1]
  return [{ kind, said, at, ...(account ? { account } : {}) }]
}
