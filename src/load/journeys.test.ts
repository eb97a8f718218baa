import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chanceOf } from './chance.ts'
import { type JourneyStep, journeyScript, walkable } from './journeys.ts'

const step = (of: string, method: string, route: string, more: Partial<JourneyStep> = {}): JourneyStep => {
  const [journey, name] = of.split('/') as [string, string]
  return { journey, step: name, method, route, okStatus: [200, 303, 422], ...more }
}
const STEPS = [
  step('apply/start', 'GET', '/', { marker: 'Apply' }),
  step('apply/submit', 'POST', '/submit', { form: { name: 'Test' } }),
  step('apply/upload', 'POST', '/upload'),
  step('apply/done', 'GET', '/done'),
  step('status/look-up', 'GET', '/status/:id'),
  step('news/read', 'GET', '/news'),
]

test('a journey is walked up to the first step that needs a person', () => {
  const names = [...walkable(STEPS)].map(([id, steps]) => `${id}: ${steps.map((one) => one.step)}`)
  assert.deepEqual(names, ['apply: start,submit', 'news: read'])
})

test('a form’s page is fetched before the form is sent, and a mistake of ours is no good answer', () => {
  const script = journeyScript(STEPS, { apply: 1 })
  const visits = Array.from({ length: 50 }, (_, n) => script.visit(n, chanceOf(n)))
  const apply = visits.find(({ steps }) => steps.length === 3)!
  assert.deepEqual(
    apply.steps.map(({ method, path, counted }) => `${method} ${String(path)}${counted ? '' : ' (not counted)'}`),
    ['GET /', 'GET /submit (not counted)', 'POST /submit'],
  )
  assert.deepEqual(apply.steps[2]!.okStatus, [200, 303])
  assert.deepEqual(apply.steps[2]!.form, { name: 'Test' })
})

test('journeys are taken as often as the definition says', () => {
  const script = journeyScript(STEPS, { apply: 9, news: 1 })
  assert.equal(Math.round(script.requestsMean * 1e9), 2.8e9)
  const chance = chanceOf(7)
  const news = Array.from({ length: 2_000 }, (_, n) => script.visit(n, chance.fork(n))).filter(
    ({ steps }) => steps.length === 1,
  )
  assert.ok(news.length > 120 && news.length < 280, `${news.length} of 2,000`)
})

test('a definition that nobody can walk gives no citizens', () => {
  assert.throws(() => journeyScript([step('status/look-up', 'GET', '/status/:id')]), /without a person/)
})
