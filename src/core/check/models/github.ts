/** GitHub workflows as pipelines. Local reusable workflows and composite actions are put in place; remote ones stay remote. */
import {
  allText,
  child,
  fields,
  flag,
  isOpaque,
  items,
  keySpot,
  type Node,
  num,
  type Spot,
  spotOf,
  text,
} from '../formats/node.ts'
import { type Job, type Pipeline, type Step, withoutComments } from './pipeline.ts'

/** Parsed workflow and action files by path. */
export type Documents = ReadonlyMap<string, Node>

const DEPTH_MAX = 4

export function workflowPipelines(workflows: Documents, actions: Documents): readonly Pipeline[] {
  return [...workflows].map(([file, root]) => pipelineOf(file, root, workflows, actions))
}

function pipelineOf(file: string, root: Node, workflows: Documents, actions: Documents): Pipeline {
  const name = text(child(root, 'name')) ?? file.slice(file.lastIndexOf('/') + 1)
  const jobs = fields(child(root, 'jobs')).map(([id, node]) => jobOf(id, node, root, { workflows, actions, depth: 0 }))
  return {
    tool: 'github',
    name,
    file,
    at: spotOf(root),
    triggers: triggersOf(root),
    jobs,
    node: root,
    sequential: false,
  }
}

/** The events that start a workflow; `workflow_run` carries the name of the workflow it waits for. */
export function triggersOf(root: Node): readonly string[] {
  const on = child(root, 'on') ?? child(root, 'true')
  if (!on) return []
  if (on.kind === 'scalar') return [on.text]
  if (on.kind === 'list') return on.items.map((item) => text(item) ?? '').filter(Boolean)
  return fields(on).flatMap(([event, node]) =>
    event === 'workflow_run'
      ? items(child(node, 'workflows')).map((item) => `workflow_run:${text(item) ?? '?'}`)
      : [event],
  )
}

interface Place {
  readonly workflows: Documents
  readonly actions: Documents
  readonly depth: number
}

function jobOf(id: string, node: Node, root: Node, place: Place): Job {
  const uses = text(child(node, 'uses'))?.slice(0, 300)
  const local = uses?.startsWith('./') ? place.workflows.get(uses.slice(2)) : undefined
  const inner = local && place.depth < DEPTH_MAX ? innerJobs(local, place) : undefined
  const matrix = child(node, 'strategy', 'matrix')
  const own = items(child(node, 'steps'))
    .flatMap((step) => stepsOf(step, place))
    .map((step) => withMatrix(step, matrix))
  const condition = conditionText(child(node, 'if'))
  const environment = child(node, 'environment')
  const environmentName =
    fromMatrix(text(environment) ?? text(child(environment, 'name')), matrix) ??
    (isOpaque(environment) ? environment.text : undefined)
  const ignores = ignoring(node)
  const minutes = num(child(node, 'timeout-minutes'))
  const remote = uses && !local ? uses : undefined
  const innerEnvironment = inner?.find((job) => job.environment)?.environment
  const said = environmentName ?? innerEnvironment ?? environmentFromInputs(node)
  return {
    id,
    at: keyOf(root, id, node),
    needs: items(child(node, 'needs')).map((need) => text(need) ?? ''),
    steps: [...own, ...(inner ?? []).flatMap((job) => weakened(job))],
    ...(condition ? { condition, conditionAt: keySpot(node, 'if') } : {}),
    ...(said ? { environment: said } : {}),
    ...(ignores ? { ignoresFailure: ignores } : {}),
    ...(remote
      ? { remote }
      : inner?.find((job) => job.remote)?.remote
        ? { remote: inner.find((job) => job.remote)!.remote! }
        : {}),
    ...(minutes === undefined ? {} : { timeoutMinutes: minutes }),
    node,
  }
}

/** A step that only runs what the matrix says runs each of the matrix's commands. */
function withMatrix(step: Step, matrix: Node | undefined): Step {
  if (!matrix || !/^\s*\$\{\{[^}]{1,200}\}\}\s*$/.test(step.run)) return step
  return { ...step, run: withoutComments(`${step.run}\n${allText(matrix)}`) }
}

/** `${{ matrix.environment }}` stands for each value of the matrix. */
function fromMatrix(said: string | undefined, matrix: Node | undefined): string | undefined {
  const key = /^\s*\$\{\{\s*matrix\.([\w-]+)\s*\}\}\s*$/.exec(said ?? '')?.[1]
  if (key === undefined || !matrix) return said
  const listed = [child(matrix, key), ...items(child(matrix, 'include')).map((row) => child(row, key))]
  const values = listed.flatMap((node) => items(node)).map((node) => text(node) ?? '')
  return values.some(Boolean) ? values.filter(Boolean).join(', ') : said
}

/** A called workflow often gets its environment as an input. */
function environmentFromInputs(node: Node): string | undefined {
  const given = child(node, 'with')
  return text(child(given, 'environment')) ?? text(child(given, 'env')) ?? text(child(given, 'stage'))
}

function innerJobs(root: Node, place: Place): readonly Job[] {
  return fields(child(root, 'jobs')).map(([id, node]) => jobOf(id, node, root, { ...place, depth: place.depth + 1 }))
}

/** Steps of a called workflow's job, each carrying that job's own indifference to failure. */
function weakened(job: Job): readonly Step[] {
  const { ignoresFailure, condition } = job
  return job.steps.map((step) => ({
    ...step,
    ...(ignoresFailure && !step.ignoresFailure ? { ignoresFailure } : {}),
    ...(condition && !step.condition ? { condition } : {}),
  }))
}

function keyOf(root: Node, id: string, node: Node): Spot {
  const jobs = child(root, 'jobs')
  return jobs ? keySpot(jobs, id) : spotOf(node)
}

function stepsOf(node: Node, place: Place): readonly Step[] {
  const uses = (text(child(node, 'uses')) ?? '').slice(0, 300)
  const run = text(child(node, 'run')) ?? ''
  const condition = conditionText(child(node, 'if'))
  const ignores = ignoring(node)
  const name = (text(child(node, 'name')) ?? '').slice(0, 300)
  const given = child(node, 'with')
  const step: Step = {
    at: spotOf(node),
    name,
    run: withoutComments(run),
    uses,
    ...(given ? { with: given } : {}),
    ...(condition ? { condition } : {}),
    ...(ignores ? { ignoresFailure: ignores } : {}),
  }
  if (!uses.startsWith('./') || place.depth >= DEPTH_MAX) return [step]
  const folder = uses.slice(2).replace(/\/$/, '')
  const action = place.actions.get(`${folder}/action.yml`) ?? place.actions.get(`${folder}/action.yaml`)
  if (!action) return [step]
  const inner = items(child(action, 'runs', 'steps')).flatMap((part) =>
    stepsOf(part, { ...place, depth: place.depth + 1 }),
  )
  return inner.map((part) => ({
    ...part,
    at: step.at,
    name: part.name || name,
    ...(ignores && !part.ignoresFailure ? { ignoresFailure: ignores } : {}),
    ...(condition && !part.condition ? { condition } : {}),
  }))
}

function ignoring(node: Node): { at: Spot; how: string } | undefined {
  const value = child(node, 'continue-on-error')
  if (!value || flag(value) === false) return undefined
  if (flag(value) === true) return { at: keySpot(node, 'continue-on-error'), how: 'continue-on-error is true' }
  return { at: keySpot(node, 'continue-on-error'), how: `continue-on-error is ${allText(value).slice(0, 60)}` }
}

function conditionText(node: Node | undefined): string | undefined {
  if (!node) return undefined
  const words = node.kind === 'scalar' ? node.text : allText(node)
  return words.trim().slice(0, 2_000) || undefined
}
