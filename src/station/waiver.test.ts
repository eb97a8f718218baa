import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definition } from '../../test/journeys/scene.ts'
import type { Service } from '../core/define/schema.ts'
import { wayOf } from './waiver.ts'

/** A Wednesday at noon; releases only on Tuesdays: closed. */
const NOON = Date.UTC(2026, 10, 25, 12)
const service = (people: number): Service => {
  const base = definition()
  const allow = [{ id: 'tuesdays', rrule: 'FREQ=WEEKLY;BYDAY=TU', preferred: false }]
  const windows = { ...base.deployment.windows, allow, deny: [] }
  return { ...base, deployment: { ...base.deployment, windows, approvals: { ...base.deployment.approvals, people } } }
}
const open = (people: number): Service => {
  const closed = service(people)
  return {
    ...closed,
    peaks: [],
    deployment: { ...closed.deployment, windows: { ...closed.deployment.windows, allow: [] } },
  }
}

test('a closed window says when the next one is, and the two ways round it', () => {
  const { closed, waiver } = wayOf(service(0), { by: 'asha' }, NOON)
  assert.match(closed!, /^No: .*Next window .*--emergency .*asks 2 other people.*--break-glass/)
  assert.equal(waiver, undefined)
})

test('an emergency waives the window alone; broken glass also approvals and the gates named', () => {
  const emergency = wayOf(service(0), { by: 'asha', emergency: 'floods' }, NOON)
  assert.deepEqual(emergency.waiver, {
    kind: 'emergency',
    who: 'asha',
    why: 'floods',
    gates: ['window'],
    approvals: false,
  })
  const glass = wayOf(service(1), { by: 'asha', breakGlass: 'floods', skip: ['unit'] }, NOON)
  const wanted = { kind: 'break-glass', who: 'asha', why: 'floods', gates: ['window', 'unit'], approvals: true }
  assert.deepEqual(glass.waiver, wanted)
  assert.equal(glass.closed, undefined)
})

test('where nothing stands in the way the glass stays whole, and nobody is told otherwise', () => {
  assert.deepEqual(wayOf(open(0), { by: 'asha', breakGlass: 'just in case' }, NOON), {})
  assert.deepEqual(wayOf(open(0), { by: 'asha', emergency: 'just in case' }, NOON), {})
  assert.ok(wayOf(open(1), { by: 'asha', breakGlass: 'nobody is awake' }, NOON).waiver?.approvals)
})

test('some gates are never skipped, gates are only skipped by breaking the glass, and only those that exist', () => {
  const skip = (gate: string, breakGlass?: string) => () =>
    wayOf(service(0), { by: 'asha', skip: [gate], ...(breakGlass ? { breakGlass } : {}) }, NOON)
  assert.throws(skip('right-target', 'x'), /never skipped: a release in the wrong place helps nobody/)
  assert.throws(skip('migration-compatible', 'x'), /never skipped/)
  assert.throws(skip('journeys', 'x'), /never skipped/)
  assert.throws(skip('unit'), /only skipped by breaking the glass/)
  assert.throws(skip('unti', 'x'), /no gate "unti"/)
})

test('worlds whose citizens are invented leave the window out without a word', () => {
  assert.deepEqual(wayOf(service(0), { by: 'demo', leaveOut: ['window'] }, NOON), {})
})
