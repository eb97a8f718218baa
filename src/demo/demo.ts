/** The whole story on one machine: a good release and four bad ones of a real service, under load. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pc from 'picocolors'
import type { Io } from '../cli/command.ts'
import { planHash } from '../core/deploy/approval.ts'
import type { DeploymentState } from '../core/deploy/deployment.ts'
import { EXIT, type ExitCode } from '../core/errors.ts'
import { parseRunbook } from '../core/respond/runbook.ts'
import { stepText } from '../core/respond/runbook-words.ts'
import type { IncidentState } from '../core/respond/state.ts'
import type { Crowd } from '../load/crowd.ts'
import { countMet, type MetTally } from '../load/met.ts'
import { beginDeployment, follow, tell } from '../station/deploy.ts'
import { proveDeployment } from './evidence.ts'
import { atDemoPace, LEFT_OUT, PACE, withApproval } from './pace.ts'
import { EXAMPLE, openScene, RATE, type Scene } from './scene.ts'
import { CHAPTERS, type Chapter, chapterLines, summaryTable, type Told, toldOf, weightLine } from './story.ts'

const BY = 'you'
/** The second pair of eyes, invented as well. */
const APPROVER = 'ben'

export interface DemoOptions {
  readonly state: string
  /** End by itself; else the console stays open until Ctrl-C. */
  readonly ci: boolean
  readonly json: boolean
}

interface Stage {
  readonly io: Io
  readonly scene: Scene
  readonly crowd: Crowd
  readonly met: MetTally
}

export async function demo(options: DemoOptions, io: Io): Promise<ExitCode> {
  const say = (line = '') => io.progress(line)
  say(pc.bold('Holdfast: a bad release, taken back before anybody complains'))
  say()
  const scene = await openScene(options.state, io, (url, link) => {
    say(`Operator console: ${pc.underline(url)}`)
    say(`Sign in once with: ${link}`)
    say()
  })
  try {
    const stage = await open(scene, io)
    if (!stage) return EXIT.interrupted
    const told: Told[] = []
    for (const [i, chapter] of CHAPTERS.entries()) {
      if (io.stop.aborted) break
      say(pc.bold(`${i + 1}. ${chapter.title}`))
      told.push(await play(stage, chapter, options))
      say()
    }
    if (io.stop.aborted) return await leave(stage, io)
    return await conclude(stage, told, options)
  } finally {
    say('Stopping the demo’s gateway, replicas and databases …')
    await scene.close()
  }
}

/** Undefined: interrupted before there was anything to show. */
async function open(scene: Scene, io: Io): Promise<Stage | undefined> {
  const { station } = scene
  io.progress('Starting the sample service: two replicas of r1, PostgreSQL, the gateway …')
  station.startEngine()
  const wanted = { release: 'r1', by: BY, reason: 'first release', leaveOut: LEFT_OUT, adjust: atDemoPace }
  const first = await beginDeployment(station.store, station.world, station.service, station.root, wanted)
  if (!first.begun) throw new Error(first.why)
  const state = await follow(station.store, first.id, () => {}, io.stop)
  if (io.stop.aborted) return undefined
  if (state.phase.name !== 'promoted') throw new Error(`release r1 did not start: ${state.lastWhy}`)
  const met = countMet()
  const crowd = await scene.openDoors((seen) => met.seen(seen))
  io.progress(
    `Citizens use ${station.world.publicUrl} now: ${RATE} requests a second, start to confirmation, open loop.`,
  )
  io.progress(
    `Demo pace: rungs of ${PACE.rungMsMin / 1_000} s instead of minutes, margin ${PACE.margin * 100} %. The verdict’s error budget is the definition’s own.`,
  )
  io.progress('')
  // The verdict learns the usual failure rate from citizens, so some must have come.
  while (met.of('r1').sessions.size < 40 && !io.stop.aborted) await station.store.wait(100, io.stop)
  return { io, scene, crowd, met }
}

async function play(stage: Stage, chapter: Chapter, options: DemoOptions): Promise<Told> {
  const { io, crowd, met, scene } = stage
  const { store, world, service, root } = scene.station
  const lostBefore = crowd.summary().failedByDeployment
  const say = (line: string) => io.progress(`   ${line}`)
  const wanted = {
    release: chapter.release,
    by: BY,
    reason: 'shown in the demo',
    leaveOut: LEFT_OUT,
    // One approval shows how it goes; the others would show the same again.
    adjust: chapter.release === 'r2' ? withApproval : atDemoPace,
  }
  const begun = await beginDeployment(store, world, service, root, wanted)
  if (!begun.begun) {
    say(begun.why)
    for (const { file, line, harm, fix } of begun.findings.slice(0, 1))
      say(`${file}:${line}  ${harm}  ${pc.bold('Fix:')} ${fix}`)
    return refusedBeforehand(chapter, begun.why)
  }
  const narrate = narrator(say)
  if (chapter.release === 'r2') await agree(stage, begun.id, narrate)
  let state = await follow(store, begun.id, narrate, io.stop)
  if (io.stop.aborted && !['promoted', 'rolled-back', 'refused'].includes(state.phase.name)) {
    say('Ctrl-C: taking the release back first …')
    await tell(store, begun.id, 'rollback', BY, 'interrupted at the keyboard')
    state = await follow(store, begun.id, narrate, AbortSignal.timeout(60_000))
  }
  const told = toldOf(chapter, state, met.of(chapter.release), crowd.summary().failedByDeployment - lostBefore)
  for (const line of chapterLines(told)) say(line)
  if (chapter.release === 'r3' && state.phase.name === 'rolled-back' && !io.stop.aborted)
    await respond(stage, state, options)
  return told
}

/** Somebody else than the one who asked reads the plan and agrees to it. */
async function agree({ io, scene }: Stage, id: string, narrate: (state: DeploymentState) => void): Promise<void> {
  const { store } = scene.station
  const waits = ({ phase }: DeploymentState) => phase.name !== 'gating'
  const { plan, phase } = await follow(store, id, narrate, io.stop, waits)
  if (phase.name !== 'awaiting-approval' || io.stop.aborted) return
  const how = 'invented by the demo'
  await tell(store, id, 'approve', APPROVER, 'read the change and its gates', io.stop, { plan: planHash(plan), how })
}

function refusedBeforehand({ release, expect }: Chapter, why: string): Told {
  return {
    release,
    expected: expect,
    came: 'not-begun',
    sessions: 0,
    harmed: 0,
    detectMs: null,
    actMs: null,
    failedByDeployment: 0,
    seconds: 0,
    why,
  }
}

// Details, and the end: the chapter's own lines say it.
const UNTOLD = new Set(['finishing', 'gating', 'promoted', 'rolled-back', 'refused'])

function narrator(say: (line: string) => void): (state: DeploymentState) => void {
  // The first chapter of the history is the reason that was given; the reader has just read it.
  let told = 1
  let weight = -1
  let gates = 0
  let approvals = 0
  return (state) => {
    const passed = state.gates?.slice(gates) ?? []
    for (const gate of passed) say(pc.dim(`gate ${gate.passed ? 'passed' : 'FAILED'}: ${gate.name}. ${gate.says}`))
    gates += passed.length
    for (const { who, why } of (state.approvals ?? []).slice(approvals)) say(pc.dim(`${who} agreed: ${why}`))
    approvals = state.approvals?.length ?? 0
    for (const { phase, why } of state.history.slice(told)) {
      if (!UNTOLD.has(phase)) say(pc.dim(why))
    }
    told = state.history.length
    const now = state.steering?.weight ?? 0
    if (state.phase.name === 'on-trial' && now !== weight) say(weightLine(state))
    weight = now
  }
}

/** The page that went out, the first step for whoever answers it, and the words that wait for a person. */
async function respond({ io, scene }: Stage, state: DeploymentState, options: DemoOptions): Promise<void> {
  const { store } = scene.station
  const id = `inc-${state.plan.id}`
  const say = (line: string) => io.progress(`   ${line}`)
  const arrived = await arrivalOf(scene, id, io.stop)
  say('')
  say(pc.bold('The page that went out'))
  if (arrived) {
    say(`by ${arrived.route} to ${arrived.to}: ${pc.bold(arrived.subject)}`)
    for (const line of arrived.text.split('\n').slice(0, 14)) say(pc.dim(`│ ${line}`))
  } else say('No page arrived within 15 s.')
  const incident = (await store.read(id))?.state as unknown as IncidentState | undefined
  const runbook = incident?.runbook
    ? await readFile(join(EXAMPLE, 'runbooks', `${incident.runbook.id}.md`), 'utf8')
    : null
  if (runbook) {
    const parsed = parseRunbook(runbook, `${incident!.runbook!.id}.md`)
    say('')
    say(pc.bold(`The runbook’s first step (${parsed.title})`))
    for (const line of stepText(parsed.steps[0]!, 1, parsed.steps.length).split('\n')) say(pc.dim(`│ ${line}`))
  }
  const draft = incident?.comms.drafts.find(({ audience }) => audience === 'citizens')
  if (draft) {
    say('')
    say(pc.bold(`Words for citizens, ${draft.status === 'draft' ? 'waiting for a person’s approval' : draft.status}`))
    for (const line of `${draft.title}\n${draft.text}`.split('\n')) say(pc.dim(`│ ${line}`))
  }
  say('')
  say(pc.bold('Evidence'))
  for (const line of await proveDeployment(scene.station, state.plan.id, options.state)) say(line)
}

async function arrivalOf(scene: Scene, incident: string, stop: AbortSignal) {
  const until = Date.now() + 15_000
  for (;;) {
    const found = scene.receiver.arrived.find(({ id, text }) => id.includes(incident) || text.includes(incident))
    if (found || Date.now() > until || stop.aborted) return found
    await scene.station.store.wait(100, stop)
  }
}

async function conclude({ io, crowd, scene }: Stage, told: readonly Told[], options: DemoOptions): Promise<ExitCode> {
  const load = crowd.summary()
  const lost = Math.max(
    load.failedByDeployment,
    told.reduce((sum, one) => sum + one.failedByDeployment, 0),
  )
  const asExpected = told.every(({ came, expected }) => came === expected) && lost === 0
  if (options.json) {
    io.out(JSON.stringify({ asExpected, releases: told, load, arrived: scene.receiver.arrived.length }))
  } else {
    io.out(summaryTable(told))
    io.out('')
    io.out(
      `${load.requests.sent} requests by ${load.sessions.arrived} citizens at ${load.requests.perSecond.toFixed(0)} a second; ` +
        `p50 ${load.ms.p50} ms, p99 ${load.ms.p99} ms. Failed by deployments: ${lost}.`,
    )
    io.out(asExpected ? 'Everything came out as it should.' : 'Something did not come out as it should: see above.')
  }
  if (!options.ci && !io.stop.aborted) {
    io.progress('')
    io.progress(`The service runs on, with its citizens. Console: ${scene.signInLink()}`)
    io.progress('Ctrl-C ends the demo.')
    await new Promise<void>((resolve) => io.stop.addEventListener('abort', () => resolve(), { once: true }))
  }
  await crowd.stop(1_000)
  return asExpected ? EXIT.done : EXIT.no
}

async function leave({ crowd, scene }: Stage, io: Io): Promise<ExitCode> {
  const { says } = await scene.station.whatRuns()
  io.progress(`Interrupted. ${says}`)
  await crowd.stop(1_000)
  return EXIT.interrupted
}
