import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StepMatch } from '../ports/traffic.ts'
import { compileRoutes } from './routes.ts'

const routes = compileRoutes(
  [
    ['start', 'GET', '/'],
    ['submit', 'POST', '/apply/submit'],
    ['any-step', 'POST', '/apply/:step'],
    ['answers', 'GET', '/apply/:id/answers'],
    ['files', 'GET', '/files/*'],
    ['status', 'GET', '/status/:reference'],
    ['later-twin', 'GET', '/status/:other'],
  ].map(([step, method, route]) => ({ journey: 'j', step, method, route, okStatus: [200], limitMs: 1 }) as StepMatch),
)

const CASES: readonly [request: string, step: string | undefined][] = [
  ['GET /', 'start'],
  ['GET /?from=letter', 'start'],
  ['GET /#top', 'start'],
  ['POST /', undefined],
  ['POST /apply/submit', 'submit'],
  ['POST /apply/submit/', 'submit'],
  ['POST //apply//submit', 'submit'],
  ['POST /apply/%73ubmit', 'submit'],
  ['POST /apply/bank', 'any-step'],
  ['GET /apply/submit/answers', 'answers'],
  ['GET /apply/a%2Fb/answers', 'answers'],
  ['GET /files', 'files'],
  ['GET /files/a/b/c.css', 'files'],
  ['GET /status/ABC', 'status'],
  ['GET /status', undefined],
  ['GET /status/ABC/x', undefined],
  ['GET /status/%', 'status'],
  ['GET /nothing', undefined],
]

for (const [request, step] of CASES) {
  test(`${request} is ${step ?? 'no journey step'}`, () => {
    const [method, path] = request.split(' ')
    assert.equal(routes.match(method!, path!)?.step, step)
  })
}

test('the page of a step is found by whatever method it is asked', () => {
  assert.equal(routes.page('/apply/submit')?.step, 'submit')
  assert.equal(routes.page('/apply/bank?again')?.step, 'any-step')
  assert.equal(routes.page('/nothing'), undefined)
})

test('a path of thousands of segments is no step, and costs no more than its length', () => {
  assert.equal(routes.match('GET', '/files'.repeat(2_000)), undefined)
})
