import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definition, Scene } from '../../test/journeys/scene.ts'
import type { DeploymentState } from '../core/deploy/deployment.ts'
import { viewWindow } from './window-view.ts'

const service = definition()

test('on an ordinary night releases may go out, and peaks that do not close are named', () => {
  const view = viewWindow(service, null, Date.UTC(2026, 10, 23, 3, 12))
  assert.equal(view.open, true)
  assert.equal(view.days.length, 14)
  assert.deepEqual(view.days[0], {
    day: 'Monday 23 November',
    open: 'all day',
    peaks: ['Winter evenings, 17:00 to 21:00, 3 times the ordinary demand; releases may go on'],
  })
})

test('on the last day to apply the window closes in London time, and says when it opens', () => {
  // 31 March 2027 is in British Summer Time: 16:00 is 15:00 UTC.
  const view = viewWindow(service, null, Date.UTC(2027, 2, 31, 15, 0))
  assert.equal(view.open, false)
  assert.match(view.answer, /^No: Last day to apply/)
  assert.deepEqual(
    view.days.slice(0, 2).map(({ day, open }) => [day, open]),
    [
      ['Wednesday 31 March', 'closed'],
      ['Thursday 1 April', 'all day'],
    ],
  )
  const before = viewWindow(service, null, Date.UTC(2027, 2, 31, 14, 59))
  assert.equal(before.open, true)
  assert.equal(before.days[0]?.open, 'until 16:00')
})

test('the forecast rests on what the last deployment measured', async () => {
  const scene = new Scene()
  const id = await scene.startTrial('r3')
  for (let i = 0; i < 10; i++) await scene.meet(id, { newOk: 2, oldOk: 198 })
  const last = (await scene.store.read(id))!.state as unknown as DeploymentState
  const { forecast } = viewWindow(service, last, scene.now)
  assert.ok('trial' in forecast)
  assert.equal(forecast.from, '2,000 sessions counted while release r3 was on trial')
  assert.match(forecast.trial.says, /720,000 sessions an hour/)
  assert.ok(forecast.trial.rungs.length > 1)
})

test('without a measurement and without volumes the forecast says so', () => {
  const { forecast } = viewWindow({ ...service, service: { ...service.service, volumes: [] } }, null, 0)
  assert.deepEqual(forecast, {
    missing: 'How many citizens come in an hour is not known yet. The first deployment measures it.',
  })
  const said = [{ what: 'applications', count: 2_400, per: 'day' as const }]
  const known = viewWindow({ ...service, service: { ...service.service, volumes: said } }, null, 0).forecast
  assert.ok('trial' in known)
  assert.match(known.trial.says, /100 sessions an hour/)
})
