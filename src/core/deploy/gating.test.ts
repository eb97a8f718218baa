import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf } from '../../../test/journeys/scene.ts'
import type { Json } from '../json.ts'
import type { Effect, Entry, Event } from '../machine.ts'
import { HOUR, MINUTE, SECOND } from '../time.ts'
import { type ApprovalPlan, planHash } from './approval.ts'
import { deploymentMachine } from './deploying.ts'
import { type DeploymentPlan, type DeploymentSeen, type DeploymentState, newDeployment } from './deployment.ts'
import type { GatePlan } from './gate.ts'
import { viewDeployment } from './view.ts'

const gate = (id: string, how: GatePlan['how'], more: Partial<GatePlan> = {}): GatePlan => ({
  id,
  name: id.charAt(0).toUpperCase() + id.slice(1),
  kind: how,
  how,
  pass: null,
  run: how === 'command' ? ['npm', 'test'] : [],
  envNames: [],
  report: null,
  about: null,
  ageMsMax: HOUR,
  files: [],
  msMax: 10 * SECOND,
  ...more,
})
const TARGET = gate('right-target', 'target')
const WINDOW = gate('window', 'window')
const UNIT = gate('unit', 'command')
const E2E = gate('journeys', 'command')
const SCHEMA = gate('schema', 'migration')
const ALL = [TARGET, WINDOW, SCHEMA, UNIT, E2E]

const known = [
  { id: 'asha', name: 'Asha P' },
  { id: 'ben', name: 'Ben T' },
  { id: 'carys', name: 'Carys M' },
]
const TWO: ApprovalPlan = { people: 2, roles: [], may: [], known, waitMs: 24 * HOUR, validMs: 12 * HOUR }
const ONE: ApprovalPlan = { ...TWO, people: 1 }

/** A deployment that has asked for nothing of the outside but gates, driven by hand. */
class Desk {
  now = 1_800_000_000_000
  state: DeploymentState
  readonly entries: Entry[] = []
  /** Asked and not answered yet. */
  readonly asked: Effect[] = []
  constructor(changed: Partial<DeploymentPlan>) {
    const plan = planOf('r3', { requestedBy: 'asha', migrations: [], ...changed })
    this.state = newDeployment(plan, this.now).state as unknown as DeploymentState
    this.pass(0)
  }

  get phase() {
    const { phase } = this.state
    return phase.name === 'gating' ? `${phase.name} ${phase.stage}` : phase.name
  }

  get gates() {
    return this.asked
      .filter(({ kind }) => kind === 'gate.run')
      .map(({ payload }) => (payload as unknown as { gate: GatePlan }).gate.id)
  }

  said(kind: string) {
    return this.entries.filter((entry) => entry.kind === kind)
  }

  pass(ms: number) {
    this.now += ms
    this.event({ kind: 'tick', seen: { status: null, counts: null, why: null } })
  }

  answer(id: string, outcome: Json = { passed: true, says: 'fine', ms: 5 }) {
    const i = this.asked.findIndex((one) => (one.payload as { gate?: { id?: string } }).gate?.id === id)
    assert.ok(i >= 0, `${id} was not asked; asked are ${this.gates.join(', ')}`)
    const [effect] = this.asked.splice(i, 1) as [Effect]
    this.event({ kind: 'outcome', effect: effect.id, of: effect.kind, outcome })
  }

  approve(who: string, plan = planHash(this.state.plan)) {
    this.say('approve', who, { reason: 'read it', plan, how: 'test' })
  }

  say(name: string, who: string, payload: Json = { reason: 'because' }) {
    this.event({ kind: 'message', id: `${name}-${who}-${this.now}`, name, who, payload })
  }

  private event(event: Event<DeploymentSeen>) {
    const reaction = deploymentMachine.react(this.state, event, this.now)
    this.state = reaction.state
    this.entries.push(...reaction.entries)
    this.asked.push(...reaction.effects)
  }
}

test('checks are asked at once, commands one after the other, and only then anything is started', () => {
  const desk = new Desk({ gates: ALL })
  assert.equal(desk.phase, 'gating checks')
  assert.deepEqual(desk.gates, ['right-target', 'window', 'schema'])
  desk.answer('schema')
  desk.answer('right-target')
  assert.equal(desk.phase, 'gating checks')
  desk.answer('window')
  assert.equal(desk.phase, 'gating commands')
  assert.deepEqual(desk.gates, ['unit'])
  assert.match(desk.state.lastWhy, /^Now running: Unit, at most \d+ \w+\. Nothing has moved\.$/)
  desk.answer('unit')
  assert.deepEqual(desk.gates, ['journeys'])
  assert.ok(!desk.asked.some(({ kind }) => kind === 'runtime.start'))
  desk.answer('journeys')
  assert.equal(desk.phase, 'starting')
  assert.equal(desk.asked.at(-1)!.kind, 'runtime.start')
  assert.deepEqual(
    desk.entries.slice(0, 6).map(({ kind }) => kind),
    ['deployment.requested', ...Array.from({ length: 5 }, () => 'gate.result')],
  )
})

test('all that is wrong is said at once, and nothing has moved', () => {
  const desk = new Desk({ gates: ALL })
  desk.answer('right-target')
  desk.answer('window', { passed: false, says: 'No: payment run until 23:30. Next window 00:15.' })
  desk.answer('schema', { unreachable: true, why: 'the database does not answer' })
  assert.equal(desk.phase, 'refused')
  assert.match(desk.state.lastWhy, /2 gates did not pass\..*payment run until 23:30.*the database does not answer/)
  assert.ok(!desk.asked.some(({ kind }) => kind !== 'gate.run'), 'nothing but gates was ever asked for')
  assert.equal(desk.state.serving, 'r2')
  const { word, next } = viewDeployment(desk.state, desk.now)
  assert.deepEqual(
    [word, next],
    ['Refused', 'Everyone is on release r2, as before. Read why, repair it and deploy again.'],
  )
})

test('a gate that does not answer has failed, and those behind it are still asked', () => {
  const desk = new Desk({ gates: [UNIT, E2E] })
  desk.pass(UNIT.msMax + 30 * SECOND)
  assert.deepEqual(desk.state.gates ?? [], [])
  desk.pass(MINUTE)
  assert.equal(desk.phase, 'gating commands')
  assert.deepEqual(desk.gates.at(-1), 'journeys')
  desk.answer('journeys')
  assert.equal(desk.phase, 'refused')
  assert.match(desk.state.lastWhy, /Unit: It gave no answer within 10 s/)
})

test('the evidence of a gate is in the log: exit code, digest, time, last words', () => {
  const desk = new Desk({ gates: [UNIT] })
  const outcome = {
    passed: false,
    says: 'It ended with exit code 1.',
    ms: 812,
    exit: 1,
    digest: 'sha256:ab',
    tail: 'x'.repeat(9_000),
  }
  desk.answer('unit', outcome)
  const { data, why } = desk.said('gate.result')[0]! as Entry & { data: Record<string, Json> }
  assert.equal(why, 'Unit failed. It ended with exit code 1.')
  assert.deepEqual([data.gate, data.passed, data.exit, data.ms, data.digest], ['unit', false, 1, 812, 'sha256:ab'])
  assert.equal(String(data.tail).length, 4_000)
  assert.equal(desk.state.gates![0]!.tail.length, 1_000)
})

test('two people agree: not the one who asked, nobody twice, nobody to another plan', () => {
  const desk = new Desk({ gates: [UNIT], approval: TWO })
  desk.answer('unit')
  assert.equal(desk.phase, 'awaiting-approval')
  desk.approve('asha')
  desk.approve('Asha  P')
  desk.approve('ASHA')
  desk.approve('holdfast')
  desk.approve('ben', 'f'.repeat(64))
  assert.equal(desk.said('approval.given').length, 0)
  assert.equal(desk.said('approval.refused').length, 5)
  desk.approve('ben')
  desk.approve('Ben T')
  assert.equal(desk.said('approval.given').length, 1)
  assert.equal(desk.phase, 'awaiting-approval')
  assert.match(desk.state.lastWhy, /already; each person counts once/)
  desk.approve('carys')
  assert.equal(desk.phase, 'starting')
  const [first] = desk.said('approval.given') as (Entry & { data: Record<string, Json> })[]
  assert.deepEqual([first!.who, first!.data.plan, first!.data.how], ['ben', planHash(desk.state.plan), 'test'])
})

test('where roles are asked for and people hold them, only those people count', () => {
  const may = [{ id: 'carys', name: 'Carys M' }]
  const desk = new Desk({ gates: [], approval: { ...ONE, roles: ['approver'], may } })
  assert.equal(desk.phase, 'awaiting-approval')
  desk.approve('ben')
  assert.match(desk.said('approval.refused')[0]!.why, /ben is not among those who may approve: Carys M/)
  desk.approve('Carys M')
  assert.equal(desk.phase, 'starting')
})

test('approvals that come while gates are running count, and gates that fail still refuse', () => {
  const desk = new Desk({ gates: [UNIT], approval: ONE })
  desk.approve('ben')
  desk.answer('unit', { passed: false, says: 'red' })
  assert.equal(desk.phase, 'refused')
  const good = new Desk({ gates: [UNIT], approval: ONE })
  good.approve('ben')
  good.answer('unit')
  assert.equal(good.phase, 'starting')
})

test('after waiting for people the window and the place are asked once more, and only those', () => {
  const desk = new Desk({ gates: [TARGET, WINDOW, UNIT], approval: ONE })
  for (const id of ['right-target', 'window', 'unit']) desk.answer(id)
  desk.pass(3 * HOUR)
  desk.approve('ben')
  assert.equal(desk.phase, 'gating last')
  assert.deepEqual(desk.gates, ['right-target', 'window'])
  desk.answer('right-target')
  desk.answer('window', { passed: false, says: 'No: payment run until 23:30.' })
  assert.equal(desk.phase, 'refused')
  assert.match(desk.state.lastWhy, /payment run/)
})

test('an approval expires, and a deployment that nobody agrees to is refused with a clear word', () => {
  const desk = new Desk({ gates: [], approval: TWO })
  desk.approve('ben')
  desk.pass(13 * HOUR)
  assert.equal(desk.state.approvals!.length, 0)
  assert.match(desk.said('approval.expired')[0]!.why, /ben must agree again/)
  desk.pass(12 * HOUR)
  assert.equal(desk.phase, 'refused')
  assert.match(
    desk.state.lastWhy,
    /Nobody agreed in time\. It waited 24 h; nobody has agreed yet\. Two people must: anybody but asha/,
  )
})

test('from every state before the first move a person calls it off, and nothing has moved', () => {
  for (const name of ['rollback', 'halt']) {
    for (const until of ['checks', 'commands', 'approval', 'last']) {
      const desk = new Desk({ gates: [TARGET, WINDOW, UNIT], approval: ONE })
      if (until !== 'checks') for (const id of ['right-target', 'window']) desk.answer(id)
      if (until === 'approval' || until === 'last') desk.answer('unit')
      if (until === 'last') {
        desk.pass(HOUR)
        desk.approve('ben')
      }
      desk.say(name, 'carys')
      assert.equal(desk.phase, 'refused', `${name} in ${until}`)
      assert.match(desk.state.lastWhy, /carys called off release r3/)
      // What was asked before may still answer: it is not heard any more.
      for (const id of [...desk.gates]) desk.answer(id)
      assert.equal(desk.phase, 'refused')
      assert.ok(!desk.asked.some(({ kind }) => kind !== 'gate.run'))
    }
  }
})

test('broken glass skips the window, approvals and the gates named, says so, and tells a manager; never the place nor the schema', () => {
  const waiver = {
    kind: 'break-glass',
    who: 'asha',
    why: 'payments stop at noon',
    gates: ['window', 'unit', 'right-target', 'schema'],
    approvals: true,
  } as const
  const desk = new Desk({ gates: ALL, approval: TWO, waiver })
  assert.deepEqual(desk.gates, ['right-target', 'schema'])
  assert.equal(desk.asked.filter(({ kind }) => kind === 'glass.tell').length, 1)
  desk.answer('right-target')
  desk.answer('schema')
  assert.deepEqual(desk.gates, ['journeys'])
  desk.answer('journeys')
  assert.equal(desk.phase, 'starting')
  const [broken] = desk.said('break-glass')
  assert.match(broken!.why, /asha broke the glass for release r3.*payments stop at noon/)
  const skipped = desk.said('gate.result').filter(({ data }) => (data as { excused?: boolean }).excused)
  assert.deepEqual(
    skipped.map(({ data }) => [(data as { gate: string }).gate, (data as { passed: boolean }).passed]),
    [
      ['window', false],
      ['unit', false],
    ],
  )
  assert.match(skipped[1]!.why, /^Unit: skipped\. Not asked for, because asha broke the glass: payments/)
  const view = viewDeployment(desk.state, desk.now)
  assert.deepEqual(view.waiver?.left, ['Window', 'Unit', 'Approvals'])
  assert.equal(view.gates.find(({ id }) => id === 'unit')?.word, 'skipped')
})

test('an emergency leaves the window out, quietly, and more people agree instead', () => {
  const waiver = { kind: 'emergency', who: 'asha', why: 'floods', gates: ['window'], approvals: false } as const
  const desk = new Desk({ gates: [TARGET, WINDOW], approval: TWO, waiver })
  assert.deepEqual(desk.gates, ['right-target'])
  assert.ok(!desk.asked.some(({ kind }) => kind === 'glass.tell'))
  assert.match(desk.said('emergency')[0]!.why, /outside of the window, if 2 people agree: floods/)
  desk.answer('right-target')
  assert.equal(desk.phase, 'awaiting-approval')
  desk.pass(HOUR)
  desk.approve('ben')
  desk.approve('carys')
  assert.equal(desk.phase, 'starting', 'the window is not asked again either')
})

test('a broken gate of the place refuses even over broken glass', () => {
  const waiver = {
    kind: 'break-glass',
    who: 'asha',
    why: 'x',
    gates: ['window', 'right-target'],
    approvals: true,
  } as const
  const desk = new Desk({ gates: [TARGET, WINDOW], waiver })
  desk.answer('right-target', { passed: false, says: 'account is 222, and 111 is meant' })
  assert.equal(desk.phase, 'refused')
})

test('nobody could be told of broken glass: it is tried again, and the log says so once', () => {
  const waiver = { kind: 'break-glass', who: 'asha', why: 'x', gates: ['window'], approvals: false } as const
  const desk = new Desk({ gates: [WINDOW, UNIT], waiver })
  const told = () => desk.asked.filter(({ kind }) => kind === 'glass.tell')
  for (let i = 0; i < 3; i++) {
    const effect = told().at(-1)!
    const outcome = { told: false, why: 'no e-mail route is set up here' }
    const event = { kind: 'outcome', effect: effect.id, of: effect.kind, outcome } as const
    const reaction = deploymentMachine.react(desk.state, event, desk.now)
    desk.state = reaction.state
    desk.entries.push(...reaction.entries)
    desk.asked.push(...reaction.effects)
  }
  assert.equal(told().length, 4)
  assert.ok(
    told()
      .slice(1)
      .every(({ dueAt }) => dueAt === desk.now + 15_000),
  )
  assert.equal(desk.said('break-glass.untold').length, 1)
})

test('a release that turns out to be something else than was agreed to is refused before any traffic', () => {
  const planned = `sha256:${'a'.repeat(64)}`
  const desk = new Desk({ gates: [UNIT], artefact: { digest: planned } })
  desk.answer('unit')
  const start = desk.asked.find(({ kind }) => kind === 'runtime.start')!
  const instances = [{ id: 'r3-1', release: 'r3', host: '127.0.0.1', port: 1, digest: `sha256:${'b'.repeat(64)}` }]
  const event = { kind: 'outcome', effect: start.id, of: start.kind, outcome: { started: true, instances } } as const
  const { state, effects } = deploymentMachine.react(desk.state, event, desk.now)
  assert.match(state.lastWhy, /1 replica of release r3 runs sha256:bbbbbbbbbbbb, and sha256:aaaaaaaaaaaa was planned/)
  assert.deepEqual(
    effects.map(({ kind }) => kind),
    ['runtime.stop'],
  )
})

test('the words of a person who waits: who is missing, until when, and that nothing has moved', () => {
  const desk = new Desk({ gates: [UNIT], approval: { ...TWO, may: known, roles: ['approver'] } })
  desk.answer('unit')
  desk.approve('ben')
  const view = viewDeployment(desk.state, desk.now)
  assert.equal(view.word, 'Waiting for approval')
  assert.match(view.next, /^ben has agreed\. One more person must: Carys M\. /)
  assert.match(view.next, /Citizens are on release r2, and nothing has moved\./)
  assert.deepEqual([view.offers.approve.open, view.offers.rollback.open], [true, true])
})
