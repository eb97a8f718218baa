import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Seat, seatOf, seatRulesOf } from './seat.ts'
import { ringReader, segmentInRing, type TenantPlace, type TenantRule, tenantOf } from './tenant.ts'

const ask = (path: string, host?: string, headers: Record<string, string> = {}) => ({
  path,
  host,
  header: (name: string) => headers[name],
})

test('the tenant is read where the definition says it stands, and nothing else is believed', () => {
  const first: TenantPlace = { in: 'path', at: 0 }
  const cases: [TenantPlace, ReturnType<typeof ask>, string | undefined][] = [
    [first, ask('/environment/contact'), 'environment'],
    [first, ask('/Environment'), 'environment'],
    [first, ask('/environment?from=mail/x'), 'environment'],
    [first, ask('/'), undefined],
    [{ in: 'path', at: 1 }, ask('/apply/north/about?x=1'), 'north'],
    [{ in: 'path', at: 1 }, ask('/apply?x=/north'), undefined],
    [first, ask(`/${'a'.repeat(64)}/x`), undefined],
    [first, ask('/%2e%2e/contact'), undefined],
    [{ in: 'host' }, ask('/', 'transport.enquiries.example:8080'), 'transport'],
    [{ in: 'host' }, ask('/'), undefined],
    [{ in: 'header', header: 'x-tenant' }, ask('/', 'h', { 'x-tenant': 'transport' }), 'transport'],
    [{ in: 'header', header: 'x-tenant' }, ask('/', 'h'), undefined],
  ]
  for (const [where, request, tenant] of cases) assert.equal(tenantOf(where, request), tenant, request.path)
})

const RULE: TenantRule = {
  where: { in: 'path', at: 0 },
  rings: [
    { id: 'test', tenants: ['internal'], weight: 1 },
    { id: 'volunteers', tenants: ['north', 'south'], weight: 0.5 },
  ],
  rest: { id: 'everybody', weight: 0 },
}
const RULES = seatRulesOf({
  stable: { release: 'r1' },
  canary: { release: 'r2' },
  weight: 1,
  generation: 4,
  tenants: RULE,
})
const ringOf = ringReader(RULE)
const now = 1_000_000
const seat = (path: string, dice: number, known?: Seat) =>
  seatOf(
    known,
    RULES,
    () => dice,
    () => 's',
    now,
    ringOf(ask(path)),
  )

test('a proven ring is on the new release, one on trial is split by the coin, and the others meet nothing new', () => {
  assert.equal(seat('/internal/x', 0.99).arm, 'canary')
  assert.equal(seat('/north/x', 0.49).arm, 'canary')
  assert.equal(seat('/south/x', 0.51).arm, 'stable')
  assert.equal(seat('/west/x', 0).arm, 'stable')
  assert.equal(seat('/', 0).arm, 'stable')
  assert.deepEqual([seat('/north/x', 0.2).share, seat('/west/x', 0.2).share], [0.5, 0])
})

test('a session that goes to another tenant takes the seat that is allowed there, and is no evidence any more', () => {
  const north = seat('/north/x', 0.1)
  assert.deepEqual([north.arm, north.generation], ['canary', 4])
  assert.equal(seat('/north/y', 0.99, north), north)
  const west = seat('/west/x', 0.1, north)
  assert.deepEqual([west.arm, west.generation, west.release], ['stable', 3, RULES.stable])
  const internal = seat('/internal/x', 0.1, west)
  assert.deepEqual([internal.arm, internal.generation], ['canary', 3])
})

test('a ring stands before the segment of its counts', () => {
  assert.equal(segmentInRing('volunteers/chrome', 'volunteers'), 'chrome')
  assert.equal(segmentInRing('volunteers', 'volunteers'), '')
  assert.equal(segmentInRing('volunteers-2/chrome', 'volunteers'), undefined)
})
