/** Jenkinsfiles as pipelines: stages follow one another, and a failed stage stops the rest unless its failure is caught. */

import { type Call, callsWithin, type Jenkinsfile } from '../formats/groovy.ts'
import type { Spot } from '../formats/node.ts'
import { type Job, type Pipeline, type Step, withoutComments } from './pipeline.ts'

export function jenkinsPipeline(file: Jenkinsfile): Pipeline {
  const stages: Job[] = []
  collect(file.calls, [], undefined, stages)
  const name = file.src.file
  const library = [...callsWithin(file.calls)].find((call) => call.name === '@Library' || call.name === 'library')
  const at: Spot = { file: name, line: 1, col: 1 }
  // A file that only calls a shared library decides nothing by itself.
  const thin = stages.length === 0 && (library !== undefined || file.calls.length <= 3)
  const remote: Job[] = thin
    ? [{ id: 'shared library', at, needs: [], steps: [], remote: 'a shared library deploy' }]
    : []
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
