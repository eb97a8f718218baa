/** Jenkinsfiles as pipelines: stages follow one another, and a failed stage stops the rest unless its failure is caught. */

import { type Call, callsWithin, type Jenkinsfile } from '../formats/groovy.ts'
import type { Spot } from '../formats/node.ts'
import { nameOf } from './path.ts'
import { isDeploy, type Job, type Pipeline, type Step, withoutComments } from './pipeline.ts'
import type { Unseen } from './unseen.ts'

/** The steps that a shared library in the tree defines: `vars/deployService.groovy` is the step `deployService`. */
export type JenkinsLibrary = ReadonlyMap<string, Jenkinsfile>

export function jenkinsLibrary(files: readonly Jenkinsfile[]): JenkinsLibrary {
  return new Map(files.map((file) => [nameOf(file.src.file).replace(/\.groovy$/, ''), file]))
}

/** A Jenkinsfile as a pipeline, with the steps of a library in the tree put in place. */
export function jenkinsPipeline(file: Jenkinsfile, library: JenkinsLibrary = new Map()): Pipeline {
  const stages: Job[] = []
  const budget = { calls: EXPANDED_MAX }
  const calls = expanded(file.calls, library, [], budget)
  collect(calls, [], undefined, stages)
  stages.push(...afterwards(calls, stages))
  const name = file.src.file
  const at: Spot = { file: name, line: 1, col: 1 }
  const refs = libraryRefs(file).map(({ ref }) => ref)
  // A file that only calls a shared library decides nothing by itself.
  const thin = stages.length === 0 && (refs.length > 0 || file.calls.length <= 3)
  const said = refs[0] ? `the shared library ${refs[0]}, which may deploy,` : 'a shared library, which may deploy,'
  const remote: Job[] = thin ? [{ id: 'shared library', at, needs: [], steps: [], remote: said }] : []
  return {
    tool: 'jenkins',
    name,
    file: name,
    at,
    triggers: ['jenkins'],
    jobs: [...stages, ...remote],
    sequential: true,
  }
}

const EXPANDED_MAX = 20_000

/** Calls of library steps get the body of their definition as a block. A step that calls itself is left as it is. */
function expanded(
  calls: readonly Call[],
  library: JenkinsLibrary,
  within: readonly string[],
  budget: { calls: number },
): readonly Call[] {
  if (library.size === 0 || within.length > 6) return calls
  return calls.map((call) => {
    if (--budget.calls < 0) return call
    const own = call.block ? expanded(call.block, library, within, budget) : undefined
    const [step = '', method = 'call'] = call.name.split('.')
    const body = within.includes(call.name)
      ? undefined
      : library.get(step)?.calls.find((inner) => inner.name === method && inner.block)?.block
    const inner = body ? expanded(body, library, [...within, call.name], budget) : []
    return own || body ? { ...call, block: [...inner, ...(own ?? [])] } : call
  })
}

/** The shared libraries that a Jenkinsfile loads, as it names them: `platform@v3`. */
export function libraryRefs(file: Jenkinsfile): readonly { readonly ref: string; readonly at: Spot }[] {
  return [...callsWithin(file.calls)]
    .filter((call) => call.name === '@Library' || call.name === 'library')
    .flatMap((call) => call.strings.slice(0, 10).map((ref) => ({ ref: ref.slice(0, 120), at: spot(call) })))
}

/** Libraries that are not in the tree: none of the steps that a file calls is defined here. */
export function unseenLibraries(files: readonly Jenkinsfile[], library: JenkinsLibrary): readonly Unseen[] {
  return files
    .filter((file) => ![...callsWithin(file.calls)].some((call) => library.has(call.name.split('.')[0]!)))
    .flatMap((file) =>
      libraryRefs(file).map(({ ref, at }): Unseen => {
        const says = `What the steps of the shared library ${ref} do is not in this tree.`
        return { kind: 'jenkins-library', at, says, needs: `the library ${ref}, or a capability map for it`, ref }
      }),
    )
}

/** The options, post and other sections of a declarative pipeline, by name. */
export function section(file: Jenkinsfile, name: string): Call | undefined {
  const pipeline = file.calls.find((call) => call.name === 'pipeline')
  return pipeline?.block?.find((call) => call.name === name)
}

function spot(call: Call): Spot {
  return { file: call.src.file, ...call.src.lines.placeOf(call.at) }
}

function collect(
  calls: readonly Call[] | undefined,
  before: readonly string[],
  caught: Step['ignoresFailure'],
  out: Job[],
): string[] {
  let last = [...before]
  for (const call of calls ?? []) {
    if (call.name === 'post' || call.name === 'options') continue
    if (call.name === 'stage') last = stage(call, last, caught, out)
    else if (call.name === 'parallel') {
      const ends = (call.block ?? []).flatMap((branch) =>
        collect(branch.name === 'stage' ? [branch] : branch.block, last, caught, out),
      )
      if (ends.length > 0) last = ends
    } else if (call.block) last = collect(call.block, last, catching(call) ?? caught, out)
  }
  return last
}

function stage(call: Call, before: readonly string[], caught: Step['ignoresFailure'], out: Job[]): string[] {
  const nested = [...callsWithin(call.block)].some((inner) => inner.name === 'stage')
  const id = uniqueId(call.strings[0] ?? 'stage', out)
  const when = call.block?.find((inner) => inner.name === 'when')
  const whenText = when
    ? [...callsWithin(when.block)].map((inner) => `${inner.name} ${inner.args}`).join(' ')
    : undefined
  const job: Job = {
    id,
    at: spot(call),
    needs: before,
    steps: nested ? inputsOf(call) : stepsOf(call.block, caught),
    ...(whenText ? { condition: whenText, conditionAt: spot(when!) } : {}),
    ...(caught ? { ignoresFailure: caught } : {}),
  }
  out.push(job)
  return nested ? collect(call.block, [id], caught, out) : [id]
}

/** What `post` deploys whatever came of the stages, or once they succeeded. Blocks that ask first are left to a person. */
function afterwards(calls: readonly Call[], stages: readonly Job[]): Job[] {
  const blocks = calls.flatMap((call) => call.block ?? []).filter((call) => call.name === 'post')
  return blocks
    .flatMap((post) => post.block ?? [])
    .flatMap((when): Job[] => {
      if (!/^(?:always|cleanup|changed|success)$/.test(when.name)) return []
      const steps = stepsOf(when.block, undefined)
      if (!steps.some(isDeploy) || [...callsWithin(when.block)].some((call) => call.name === 'if')) return []
      const forced = when.name !== 'success'
      return [
        {
          id: `post ${when.name}`,
          at: spot(when),
          needs: stages.map((job) => job.id),
          steps,
          ...(forced ? { condition: 'always()', conditionAt: spot(when) } : {}),
        },
      ]
    })
}

function uniqueId(id: string, out: readonly Job[]): string {
  let name = id
  for (let n = 2; out.some((job) => job.id === name); n++) name = `${id} (${n})`
  return name
}

function inputsOf(call: Call): Step[] {
  return (call.block ?? []).filter((inner) => inner.name === 'input').map((inner) => stepOf(inner, undefined))
}

function catching(call: Call): Step['ignoresFailure'] {
  if (call.name === 'catchError' || call.name === 'warnError') {
    if (
      /stageResult\s*:\s*"FAILURE"|buildResult\s*:\s*"FAILURE"/.test(call.args) &&
      !/buildResult\s*:\s*"(?:SUCCESS|UNSTABLE)"/.test(call.args)
    )
      return undefined
    return { at: spot(call), how: `${call.name} lets the pipeline go on after it fails` }
  }
  if (call.name === 'try') return { at: spot(call), how: 'a try block may swallow its failure' }
  return undefined
}

function stepsOf(calls: readonly Call[] | undefined, caught: Step['ignoresFailure']): Step[] {
  const steps: Step[] = []
  for (const call of calls ?? []) {
    if (call.name === 'post' || call.name === 'when') continue
    if (call.name === 'sh' || call.name === 'bat' || call.name === 'powershell' || call.name === 'input')
      steps.push(stepOf(call, caught))
    else if (call.block) steps.push(...stepsOf(call.block, catching(call) ?? caught))
    else if (call.name && call.name !== 'echo') steps.push(stepOf(call, caught))
  }
  return steps
}

function stepOf(call: Call, caught: Step['ignoresFailure']): Step {
  const shell = call.name === 'sh' || call.name === 'bat' || call.name === 'powershell'
  const swallowed = /returnStatus\s*:\s*true/.test(call.args)
    ? { at: spot(call), how: 'returnStatus: true turns its failure into a number' }
    : caught
  return {
    at: spot(call),
    name: call.name,
    run: shell ? withoutComments(call.strings.join('\n')) : '',
    uses: call.name === 'input' ? 'input' : shell ? '' : `${call.name} ${call.args}`.slice(0, 200),
    ...(swallowed ? { ignoresFailure: swallowed } : {}),
  }
}
