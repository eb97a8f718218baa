import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRoutes } from '../../gateway/routes.ts'
import type { StepMatch } from '../../ports/traffic.ts'
import { markerPattern, stepPatterns } from './routes.ts'

const step = (method: string, route: string): StepMatch => ({
  journey: 'apply',
  step: `${method} ${route}`,
  method,
  route,
  okStatus: [200],
  limitMs: 1_000,
})

const STEPS = [
  step('GET', '/'),
  step('GET', '/apply/*'),
  step('GET', '/apply/:id/answers'),
  step('GET', '/apply/new/answers'),
  step('POST', '/apply/:id/answers'),
  step('GET', '/status/:reference'),
  step('GET', '/a.b/(c)'),
  step('GET', '/:tenant/contact'),
]

const ASKED: readonly (readonly [string, string])[] = [
  ['GET', '/'],
  ['POST', '/'],
  ['GET', '/apply'],
  ['GET', '/apply/'],
  ['GET', '/apply/x'],
  ['GET', '/apply/x/answers'],
  ['GET', '/apply/new/answers'],
  ['GET', '//apply///new/answers//'],
  ['POST', '/apply/new/answers'],
  ['GET', '/apply/new/answers/more'],
  ['GET', '/status'],
  ['GET', '/status/HP-1'],
  ['GET', '/status/HP-1/more'],
  ['GET', '/a.b/(c)'],
  ['GET', '/aXb/(c)'],
  ['GET', '/defra/contact'],
  ['GET', '/apply/contact'],
]

test('HAProxy finds the step that the gateway finds', () => {
  const gateway = compileRoutes(STEPS)
  const patterns = stepPatterns(STEPS).map(({ pattern, index }) => ({ regex: new RegExp(pattern), index }))
  for (const [method, path] of ASKED) {
    const found = patterns.find(({ regex }) => regex.test(`${method}:${path}`))
    assert.equal(found && STEPS[found.index]!.step, gateway.match(method, path)?.step, `${method} ${path}`)
  }
})

test('nothing in a route can break out of the expression or the map file', () => {
  const { pattern } = stepPatterns([step('GET', '/a b\n.*$#/+%')])[0]!
  assert.doesNotMatch(pattern, /[\s#]/)
  assert.ok(new RegExp(pattern).test('GET:/a b\n.*$#/+%'))
  assert.ok(!new RegExp(pattern).test('GET:/a b\nxx$#/+%'))
})

test('a marker is found as a page may spell it', () => {
  const found = (marker: string, page: string) => new RegExp(markerPattern(marker)).test(page)
  assert.ok(found('Check your answers', '<h1>Check\n   your&nbsp;answers</h1>'))
  assert.ok(found("What's next & when", '<p>What&#39;s next &amp; when</p>'))
  assert.ok(found('a.b', 'a.b') && !found('a.b', 'axb'))
})
