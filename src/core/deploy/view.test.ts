import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scene } from '../../../test/journeys/scene.ts'
import { MINUTE } from '../time.ts'
import type { DeploymentState, Phase } from './deployment.ts'
import { oddsWords, viewDeployment } from './view.ts'

async function trial(seconds: number, newFailed = 0): Promise<{ scene: Scene; state: DeploymentState; id: string }> {
  const scene = new Scene()
  const id = await scene.startTrial('r3')
  for (let i = 0; i < seconds; i++) await scene.meet(id, { newOk: 2, newFailed, oldOk: 198 })
  return { scene, id, state: (await scene.store.read(id))!.state as unknown as DeploymentState }
}

test('the first sentence of a release on trial counts citizens and says what happens next', async () => {
  const { state, scene } = await trial(5)
  const view = viewDeployment(state, scene.now)
  assert.deepEqual(
    [view.word, view.tone, view.citizens, view.next],
    [
      'On trial',
      'calm',
      'No citizen was stopped by release r3; 10 sessions seen.',
      'It has 1 % of new sessions and gets more as the evidence allows. Proof of harm takes it back by itself.',
    ],
  )
  assert.deepEqual([view.harmed, view.firstHarmAt, view.weight, view.over], [0, null, 0.01, false])
})

test('harm is told as people and what they could not do', async () => {
  const { state, scene } = await trial(2, 1)
  const view = viewDeployment(state, scene.now)
  assert.equal(view.word, 'Suspected')
  assert.equal(view.citizens, '2 citizens could not send their application on release r3, of 6 who used it.')
  assert.ok(view.since > state.history.at(-1)!.at, 'suspected since the suspicion, not since the trial began')
  assert.equal(view.steps.find(({ step }) => step === 'submit')?.newFailed, 2)
})

test('taken back: who serves, how long each part took, and nothing left to press', async () => {
  const { scene, id } = await trial(6, 1)
  await scene.work()
  const view = viewDeployment((await scene.store.read(id))!.state as unknown as DeploymentState, scene.now)
  assert.deepEqual([view.word, view.tone, view.serving, view.weight], ['Taken back', 'over', 'r2', 0])
  assert.match(view.next, /^Everyone is on release r2 again\. Nothing to do now/)
  assert.deepEqual(
    view.clocks.map(({ name }) => name),
    ['To see it', 'To act', 'To finish', 'In all'],
  )
  assert.deepEqual(
    Object.values(view.offers).map(({ open }) => open),
    [false, false, false, false, false],
  )
})

const DEADLINE = 1_000_000
const because = 'submissions fail'
const rolling = (stage: 'moving' | 'stopping', paged = false): Phase => ({
  name: 'rolling-back',
  stage,
  because,
  deadline: DEADLINE,
  confirmBy: stage === 'moving' ? DEADLINE : null,
  paged,
})
/** Phase, word, tone, which buttons are there. */
const PHASES: readonly (readonly [Phase, string, string, string])[] = [
  [{ name: 'expanding', deadline: DEADLINE }, 'Preparing the database', 'calm', 'rollback'],
  [{ name: 'starting', deadline: DEADLINE }, 'Starting', 'calm', 'rollback'],
  [{ name: 'verifying', deadline: DEADLINE }, 'Checking in private', 'calm', 'rollback'],
  [{ name: 'on-trial', deadSince: null }, 'On trial', 'calm', 'rollback halt promote'],
  [{ name: 'halted', who: 'Asha', why: 'lunch', confirmBy: null, paged: false }, 'Halted', 'watch', 'rollback resume'],
  [{ name: 'finishing', stage: 'draining', deadline: DEADLINE, deadSince: null }, 'Being promoted', 'calm', 'rollback'],
  [{ name: 'finishing', stage: 'stopping', deadline: DEADLINE, deadSince: null }, 'Being promoted', 'calm', ''],
  [rolling('moving'), 'Being taken back', 'bad', ''],
  [rolling('moving', true), 'Not confirmed', 'bad', ''],
  [rolling('stopping'), 'Being taken back', 'watch', ''],
  [{ name: 'promoted', why: 'good' }, 'Promoted', 'good', ''],
  [{ name: 'refused', why: 'dead on start' }, 'Refused', 'over', ''],
]

test('every phase has a word, a tone, and exactly the buttons that the machine would obey', async () => {
  const { state } = await trial(1)
  const seen = PHASES.map(([phase]) => {
    const view = viewDeployment({ ...state, phase }, DEADLINE - MINUTE)
    const offers = Object.entries(view.offers).filter(([, { open }]) => open)
    return [phase, view.word, view.tone, offers.map(([name]) => name).join(' ')]
  })
  assert.deepEqual(seen, PHASES)
})

test('a rollback that is not confirmed says that a person has been paged', async () => {
  const { state } = await trial(1)
  const view = viewDeployment({ ...state, phase: rolling('moving', true) }, 0)
  assert.match(view.next, /cannot confirm.*a person has been paged/)
})

test('reasons written to follow a colon stand alone as sentences', async () => {
  const { state } = await trial(1)
  const history = [
    { at: 0, phase: 'rolled-back' as const, why: 'Taken back. evidence 4,010 : 1 that release r3 is worse' },
  ]
  assert.equal(
    viewDeployment({ ...state, history }, 0).history[0]?.why,
    'Taken back. Evidence 4,010 : 1 that release r3 is worse.',
  )
})

test('the first release of a service has nothing to go back to, and says so', async () => {
  const { state } = await trial(1)
  const measured = { ...state.measured, trialAt: null, canarySessions: 0, canaryFailed: 0 }
  const first: DeploymentState = { ...state, plan: { ...state.plan, previous: null }, trial: null, measured }
  const done = viewDeployment({ ...first, phase: { name: 'promoted', why: 'first release' } }, 0)
  assert.equal(done.citizens, 'It is the first release of Apply for a cold weather heating payment.')
  assert.deepEqual(done.offers.rollback, { open: false, why: 'There is no release before it to go back to.' })
  const starting = viewDeployment({ ...first, phase: { name: 'starting', deadline: MINUTE } }, 0)
  assert.equal(
    starting.next,
    'It is the first release: nothing serves citizens yet. If this takes 60 s more, it is given up.',
  )
})

test('small odds are no accusation', () => {
  assert.equal(oddsWords(0.3), 'nothing speaks against it')
  assert.equal(oddsWords(1_240.7), '1,240 : 1 that it is worse')
})
