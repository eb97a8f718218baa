import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEPLOYMENT, INCIDENT, takenBackLog } from '../../testing/deployment-log.ts'
import { canonicalJson, type Json } from '../json.ts'
import type { Entry } from '../machine.ts'
import { type Claim, claimsOf } from './claims.ts'
import { type Row, storyOf } from './story.ts'

const AT = Date.UTC(2026, 10, 23, 3)

function rowsOf(entries: readonly (Entry | null)[]): Row[] {
  return entries.map((entry, index) => ({
    index,
    at: AT + index * 100,
    service: 'heating-payment',
    kind: entry?.kind ?? '',
    subject: entry?.subject ?? '',
    leafHash: `hash of ${index}`,
    payload: entry && canonicalJson({ who: entry.who, why: entry.why, data: entry.data }),
  }))
}

function claims(entries: readonly Entry[]): Map<string, Claim> {
  const story = storyOf(rowsOf(entries), DEPLOYMENT)
  return new Map(story ? claimsOf(story).map((claim) => [claim.id, claim]) : [])
}

const log = takenBackLog(AT)
const without = (...kinds: string[]) => log.filter(({ kind }) => !kinds.includes(kind))
const changed = (kind: string, change: Partial<Entry> & { data?: Json }) =>
  log.map((entry) =>
    entry.kind === kind
      ? { ...entry, ...change, data: { ...(entry.data as object), ...((change.data ?? {}) as object) } }
      : entry,
  )

test('a deployment that went by the book proves every claim', () => {
  const verdicts = [...claims(log).values()].map(({ id, verdict, because }) => `${verdict} ${id}: ${because}`)
  assert.ok(verdicts.length >= 12)
  assert.deepEqual(
    verdicts.filter((line) => !line.startsWith('proven')),
    [],
  )
})

test('no claim stays proven when its evidence is removed', () => {
  // What must go for a claim to fall: leaving out less leaves proof enough.
  const essential: Record<string, string[][]> = {
    requested: [['deployment.requested']],
    approved: [['approval.given'], ['deployment.requested']],
    gates: [['gate.result']],
    'schema-first': [['schema.expanded']],
    'tried-privately': [['verified']],
    'small-steps': [['weight.changed']],
    'decided-on-evidence': [['rollback.decided']],
    'taken-back-in-time': [['rollback.confirmed'], ['rollback.decided']],
    'nothing-dropped': [['finished']],
    'person-woken': [['page.accepted'], ['incident.opened']],
    'person-answered': [['incident.acked']],
    'words-approved': [['comms.approved'], ['comms.published']],
    alone: [['deployment.requested']],
    whole: [['deployment.requested'], ['finished']],
    undeleted: [log.map(({ kind }) => kind)],
  }
  assert.deepEqual(Object.keys(essential).sort(), [...claims(log).keys()].sort(), 'every claim has its mutation')
  for (const [id, removals] of Object.entries(essential)) {
    for (const kinds of removals) {
      assert.notEqual(claims(without(...kinds)).get(id)?.verdict, 'proven', `${id} without ${kinds[0]}`)
    }
  }
})

test('what went wrong is contradicted, and says so', () => {
  const other: Entry = { ...log[0]!, subject: 'dep-other' }
  const cases: [string, readonly Entry[], RegExp][] = [
    ['requested', changed('deployment.requested', { who: 'holdfast' }), /not a person/],
    ['approved', changed('approval.given', { who: 'asha' }), /asha approved their own request/],
    ['gates', changed('gate.result', { data: { passed: false } }), /did not pass/],
    ['gates', [...without('gate.result'), log.find(({ kind }) => kind === 'gate.result')!], /only after/],
    [
      'schema-first',
      [...without('schema.expanded'), log.find(({ kind }) => kind === 'schema.expanded')!],
      /before the schema/,
    ],
    ['tried-privately', without('verified'), /no private trial/],
    ['small-steps', changed('weight.changed', { data: { before: 0.05, weight: 0.5 } }), /without counts/],
    ['taken-back-in-time', changed('rollback.confirmed', { data: { appliedAt: AT + 121_000 } }), /2 min 1 s/],
    ['taken-back-in-time', [...log, { ...log[10]!, kind: 'rollback.unconfirmed' }], /could not be confirmed/],
    ['nothing-dropped', changed('finished', { data: { failedByDeployment: 2 } }), /counted 2/],
    ['person-woken', [...without('page.accepted'), { ...log[11]!, kind: 'page.exhausted' }], /No page was taken/],
    ['words-approved', changed('comms.approved', { who: 'holdfast' }), /no approval of the same words/],
    ['words-approved', changed('comms.approved', { data: { version: 2 } }), /no approval of the same words/],
    ['alone', [...log.slice(0, 5), other, ...log.slice(5)], /dep-other began meanwhile/],
  ]
  for (const [id, entries, because] of cases) {
    const claim = claims(entries).get(id)!
    assert.equal(claim.verdict, 'contradicted', `${id}: ${claim.because}`)
    assert.match(claim.because, because)
  }
})

test('a release that no citizen met has claims that do not apply, not claims that are true', () => {
  const refused: Entry[] = [
    log[0]!,
    { ...log[5]!, kind: 'release.not-started', why: 'Release r5 never became ready.' },
    { ...log[5]!, kind: 'refused', why: 'Release r5 never became ready, so no citizen ever met it.' },
  ]
  const seen = claims(refused)
  for (const id of [
    'tried-privately',
    'small-steps',
    'taken-back-in-time',
    'nothing-dropped',
    'person-woken',
    'words-approved',
  ]) {
    assert.equal(seen.get(id)?.verdict, 'not applicable', id)
  }
  assert.equal(seen.get('decided-on-evidence')?.verdict, 'proven')
})

test('a deployment that has not ended proves nothing about its end', () => {
  const seen = claims(log.slice(0, 9))
  for (const id of ['decided-on-evidence', 'taken-back-in-time', 'nothing-dropped', 'person-woken', 'whole']) {
    assert.equal(seen.get(id)?.verdict, 'not proven', id)
  }
})

test('deleted words are noticed, and do not hide their incident', () => {
  const rows = rowsOf(log).map((row) => (row.kind === 'incident.opened' ? { ...row, payload: null } : row))
  const story = storyOf(rows, DEPLOYMENT)!
  assert.deepEqual(story.incidents, [INCIDENT])
  const claim = claimsOf(story).find(({ id }) => id === 'undeleted')!
  assert.equal(claim.verdict, 'contradicted')
  assert.match(claim.because, /words of 1 entry were deleted: 11/)
})

test('an unknown deployment has no story', () => assert.equal(storyOf(rowsOf(log), 'dep-nobody'), null))
