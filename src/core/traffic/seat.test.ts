import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  openSeat,
  releaseTag,
  SEAT_COOKIE,
  SEAT_MS_MAX,
  type Seat,
  type SeatRules,
  sealSeat,
  seatCookie,
  seatOf,
  takeSeatCookie,
} from './seat.ts'

const KEY = Buffer.alloc(32, 7)
const NOW = 1_800_000_000_000
const R1 = releaseTag('r1')
const R2 = releaseTag('r2')
const RULES: SeatRules = { weight: 0.25, generation: 3, moveFrom: undefined, stable: R1, canary: R2 }
const STABLE: Seat = { id: 'session-id', arm: 'stable', generation: 3, settled: 3, share: 0.25, release: R1, at: NOW }
const CANARY: Seat = { ...STABLE, arm: 'canary', release: R2 }

const seat = (known: Seat | undefined, rules: Partial<SeatRules> = {}, die = 0.5, now = NOW) =>
  seatOf(
    known,
    { ...RULES, ...rules },
    () => die,
    () => 'fresh-id-1',
    now,
  )

test('the coin falls on the canary exactly below its share', () => {
  assert.equal(seat(undefined, {}, 0.2499).arm, 'canary')
  assert.equal(seat(undefined, {}, 0.25).arm, 'stable')
  assert.equal(seat(undefined, { weight: 1 }, 0.9999).arm, 'canary')
  assert.equal(seat(undefined, { weight: 0 }, 0).arm, 'stable')
})

test('over many sessions the canary gets its share within 0.5 points', () => {
  let state = 1
  const dice = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  for (const weight of [0.01, 0.05, 0.25, 0.5, 0.95]) {
    let canary = 0
    for (let i = 0; i < 100_000; i++) {
      if (seatOf(undefined, { ...RULES, weight }, dice, () => 'fresh-id-1', NOW).arm === 'canary') canary++
    }
    assert.ok(Math.abs(canary / 100_000 - weight) < 0.005, `${weight}: ${canary}`)
  }
})

test('a known seat stays as it is, the very same object, whatever the weight', () => {
  assert.equal(seat(STABLE, { weight: 1 }), STABLE)
  assert.equal(seat(CANARY, { weight: 0 }), CANARY)
})

test('a raised generation moves who sits in moveFrom, keeps their evidence apart, and does so once', () => {
  const moved = seat(CANARY, { generation: 4, moveFrom: 'canary' })
  assert.deepEqual(moved, { ...STABLE, settled: 4 })
  assert.equal(seat(moved, { generation: 4, moveFrom: 'canary' }), moved)
  // The same order is still in force when the seat's arm is the target of an older one.
  assert.equal(seat({ ...CANARY, settled: 4 }, { generation: 4, moveFrom: 'canary' }).arm, 'canary')
  assert.deepEqual(seat(STABLE, { generation: 4, moveFrom: 'canary' }), { ...STABLE, settled: 4 })
})

test('nobody is moved to an arm that is not there', () => {
  assert.equal(seat(STABLE, { generation: 4, moveFrom: 'stable', canary: undefined }).arm, 'stable')
})

test('a session follows its release to another arm, with its evidence left out', () => {
  const promoted = seat(CANARY, { stable: R2, canary: undefined, weight: 0 })
  assert.deepEqual(promoted, { ...CANARY, arm: 'stable', generation: 2 })
  assert.deepEqual(openSeat(sealSeat(promoted, KEY), KEY), promoted, 'and the cookie can say so')
})

test('a session whose release is gone throws a new coin, with its evidence left out', () => {
  const again = seat(CANARY, { canary: releaseTag('r3') }, 0.1)
  assert.deepEqual([again.arm, again.release, again.generation, again.id], ['canary', releaseTag('r3'), 2, CANARY.id])
  assert.equal(seat(CANARY, { canary: undefined }, 0.1).arm, 'stable')
})

test('after twelve hours a browser is a new session', () => {
  assert.equal(seat(CANARY, {}, 0.9, NOW + SEAT_MS_MAX).id, CANARY.id)
  assert.equal(seat(CANARY, {}, 0.9, NOW + SEAT_MS_MAX + 1).id, 'fresh-id-1')
})

test('a sealed seat opens to the same seat, under the same key only', () => {
  for (const each of [STABLE, CANARY, { ...STABLE, generation: -1, share: 0.000001 }]) {
    assert.deepEqual(openSeat(sealSeat(each, KEY), KEY), each)
    assert.equal(openSeat(sealSeat(each, KEY), Buffer.alloc(32, 8)), undefined)
  }
})

test('a seat that was changed in any place does not open', () => {
  const sealed = sealSeat(STABLE, KEY)
  for (let i = 0; i < sealed.length; i++) {
    const changed = `${sealed.slice(0, i)}${sealed[i] === 'x' ? 'y' : 'x'}${sealed.slice(i + 1)}`
    assert.equal(openSeat(changed, KEY), undefined, `place ${i}`)
  }
  for (const junk of ['', '.', 'v1', sealed.slice(0, -1), `${sealed}a`, 'é'.repeat(60), 'v1.'.repeat(1_000)]) {
    assert.equal(openSeat(junk, KEY), undefined, junk.slice(0, 20))
  }
})

test('the cookie is hidden from scripts, and secure when the citizen’s connection is', () => {
  assert.match(seatCookie(STABLE, KEY, false), /; Path=\/; HttpOnly; SameSite=Lax$/)
  assert.match(seatCookie(STABLE, KEY, true), /; SameSite=Lax; Secure$/)
})

test('the release never sees the seat', () => {
  const cases: [string, { value: string | undefined; rest: string }][] = [
    [`a=1; ${SEAT_COOKIE}=v; b=2`, { value: 'v', rest: 'a=1; b=2' }],
    [`${SEAT_COOKIE}=v`, { value: 'v', rest: '' }],
    [`${SEAT_COOKIE}=v;${SEAT_COOKIE}=w`, { value: 'v', rest: '' }],
    [`x${SEAT_COOKIE}=v`, { value: undefined, rest: `x${SEAT_COOKIE}=v` }],
    ['a=1', { value: undefined, rest: 'a=1' }],
  ]
  for (const [header, taken] of cases) assert.deepEqual(takeSeatCookie(header), taken, header)
})
