import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR, MINUTE } from '../time.ts'
import { poissonUpper, sampleFor, shareUpper } from './bound.ts'
import { type Answered, compareAnswers } from './compare.ts'
import { judgeShadow, unfairCohorts } from './judge.ts'
import { loadManifest, NO_MANIFEST, normalOf } from './manifest.ts'
import { parsePlace } from './place.ts'
import { addSums, NO_SUMS, type Sums, sumsOfPair } from './tally.ts'

test('the bound is the exact one: what no, one and two differences prove', () => {
  assert.deepEqual(
    [0, 1, 2].map((seen) => sampleFor(seen, 0.001)),
    [2_996, 4_744, 6_296],
  )
  assert.equal(poissonUpper(0).toFixed(3), '2.996')
  assert.equal(shareUpper(0, 1_583) > 0.001, true, 'an hour of 1,583 decisions cannot prove 0.1 %')
  assert.ok(poissonUpper(5_000) > 5_000 && poissonUpper(5_000) < 5_200)
})

const MANIFEST = `
ignore:
  - { place: "$.decidedAt", why: the moment of the decision }
  - { field: _csrf, why: new with every page }
  - { kind: uuid, why: reference }
cohorts:
  - { id: pensioners, place: "$.age", from: 66 }
  - { id: wales, place: "$.nation", equals: wales }
worseOff: { place: "$.award", when: lower }
intended:
  - { id: uprating, says: awards rise by 3.8 %, legal: "Up-rating Order 2026, article 4", at: "$.award", change: { times: 1.038 }, cohort: pensioners, expectedMin: 2 }
  - { id: wording, says: the letter says pounds, legal: editorial, at: text, change: any }
`
const { manifest } = loadManifest(MANIFEST, 'change-manifest.yaml')
const json = (body: unknown, status = 200): Answered => ({
  status,
  type: 'application/json',
  location: '',
  body: JSON.stringify(body),
})
const page = (body: string): Answered => ({ status: 200, type: 'text/html', location: '', body })
const pair = (before: Answered, after: Answered) => sumsOfPair(manifest!, 0.005, 'decide/outcome', before, after)

test('what may differ is left out, in values, pages and addresses', () => {
  const id = ['0b8a4a7e-1111-4222-8333-944445555666', '1c8a4a7e-1111-4222-8333-944445555667']
  assert.equal(
    pair(json({ decidedAt: 1, ref: id[0], award: 10 }), json({ decidedAt: 2, ref: id[1], award: 10.004 })).same,
    1,
  )
  const form = (token: string) => page(`<h1>Hello</h1>\n<input type="hidden" name="_csrf" value="${token}">\n<p>x</p>`)
  assert.equal(pair(form('abc'), form('def')).same, 1)
  const sent = (to: string): Answered => ({ status: 303, type: '', location: to, body: '' })
  assert.equal(pair(sent(`/done/${id[0]}`), sent(`/done/${id[1]}`)).same, 1)
  assert.equal(pair(sent('/done'), sent('/refused')).unexplained, 1)
})

test('an intended difference is explained only for its cohort and only by its amount', () => {
  const before = json({ age: 70, award: 100 })
  assert.deepEqual(pair(before, json({ age: 70, award: 103.8 })).explained, { uprating: 1 })
  assert.equal(pair(before, json({ age: 70, award: 105 })).unexplained, 1)
  assert.equal(pair(json({ age: 40, award: 100 }), json({ age: 40, award: 103.8 })).unexplained, 1)
  // One that is intended beside one that is not: the pair is not explained.
  assert.equal(pair(before, json({ age: 70, award: 103.8, reason: 'new' })).unexplained, 1)
})

test('a citizen who would be worse off weighs double, and places are kept without values', () => {
  const sums = pair(json({ age: 40, award: 100 }), json({ age: 40, award: 90 }))
  assert.equal(sums.weight, 2)
  assert.deepEqual(sums.places, { 'decide/outcome $.award': 1 })
  assert.equal(JSON.stringify(sums).includes('90'), false)
})

test('a line that came or went is one difference, wherever it stands', () => {
  const lines = Array.from({ length: 120 }, (_, i) => `<p>${i}</p>`)
  const before = page(lines.join('\n'))
  const differences = (...after: string[]) => {
    const compared = compareAnswers(before, page(after.join('\n')), normalOf(NO_MANIFEST, 0))
    return compared.kind === 'different' ? compared.differences.map(({ at, before: old }) => `${at} ${old}`) : []
  }
  assert.deepEqual(differences(...lines.slice(0, 9), 'new', ...lines.slice(9)), ['line 10 undefined'])
  assert.deepEqual(differences(...lines.slice(0, 9), ...lines.slice(10)), ['line 10 <p>9</p>'])
  const twice = [...lines.slice(0, 9), 'new', ...lines.slice(9, 100), 'other', ...lines.slice(101)]
  assert.deepEqual(differences(...twice), ['line 10 undefined', 'line 101 <p>100</p>'])
  // More lines than are kept: explained all the same where any text is intended, and only there.
  const all = page(lines.map((line) => line.replace('p', 'div')).join('\n'))
  assert.deepEqual(pair(before, all).explained, { wording: 1 })
  assert.equal(sumsOfPair(NO_MANIFEST, 0, '', before, all).unexplained, 1)
})

test('answers that cannot be compared are said to be, and hostile ones end', () => {
  assert.equal(pair({ ...page(''), body: null }, page('x')).cannotTell, 1)
  const deep = JSON.parse('[1]'.replace('1', `${'['.repeat(3_000)}${']'.repeat(3_000)}`))
  assert.equal(pair(json(deep), json([2])).unexplained, 1)
  assert.equal(pair(json(deep), json(JSON.parse(JSON.stringify(deep)))).compared, 1)
  const long = page('a\n'.repeat(100_000))
  assert.equal(sumsOfPair(NO_MANIFEST, 0, '', long, page('b\n'.repeat(100_000))).unexplained, 1)
  assert.equal(pair({ ...json(1), body: '{broken' }, { ...json(1), body: '{broken' }).same, 1)
  const many = (n: number) => json(Array.from({ length: 5_000 }, (_, i) => i + n))
  assert.equal(pair(many(0), many(1)).unexplained, 1)
  assert.equal(compareAnswers(json({ __proto__: 1 }), json({}), normalOf(NO_MANIFEST, 0)).kind, 'same')
})

test('everything that is wrong with a manifest is told with its place', () => {
  const { manifest: none, findings } = loadManifest(
    'intended:\n  - { id: A B, says: x, legal: y, at: "$.a", change: any }\n  - { id: b, says: x, at: "award", change: { times: 0 } }\n',
    'm.yaml',
  )
  assert.equal(none, undefined)
  assert.ok(findings.length >= 3)
  assert.ok(findings.every(({ line, file, fix }) => line >= 2 && file === 'm.yaml' && fix !== ''))
  const cohort = loadManifest(
    'intended:\n  - { id: b, says: x, legal: l, at: "$.a", change: any, cohort: nobody }\n',
    'm.yaml',
  )
  assert.match(cohort.findings[0]!.says, /names the cohort "nobody"/)
  assert.equal(loadManifest('a: [', 'm.yaml').findings.length > 0, true)
})

test('places are read strictly', () => {
  assert.deepEqual(parsePlace('$.a.b[0]'), ['a', 'b', 0])
  assert.equal(parsePlace('$.a[*]')!.length, 2)
  for (const bad of ['a', '$.', '$[x]', '$..a', `$${'.a'.repeat(30)}`, '$.a b'])
    assert.equal(parsePlace(bad), undefined, bad)
})

const plan = { msMin: HOUR, sampleMin: 2_996, unintendedShareMax: 0.001 }
const sums = (over: Partial<Sums>): Sums => ({ ...NO_SUMS, explained: { uprating: 2, wording: 1 }, ...over })

test('time, sample, bound and every expected difference: all of them, or it has not passed', () => {
  const judge = (over: Partial<Sums>, ms = HOUR) => judgeShadow(plan, manifest!, sums(over), 0, ms)
  assert.equal(judge({ compared: 2_996, same: 2_996 }).decision, 'passed')
  assert.match(judge({ compared: 2_996 }, HOUR - MINUTE).why, /60 s are left of the shortest time|1 min/)
  assert.match(
    judge({ compared: 2_995 }).why,
    /2,995 of 2,996 pairs were compared \(exact Poisson, 95 %: 2\.996 ÷ 0\.001\)/,
  )
  assert.equal(judge({ compared: 4_743, unexplained: 1, weight: 1 }).decision, 'not-yet')
  assert.equal(judge({ compared: 4_744, unexplained: 1, weight: 1 }).decision, 'passed')
  // Worse off counts as two.
  assert.equal(judge({ compared: 4_744, unexplained: 1, weight: 2 }).decision, 'not-yet')
  assert.match(judge({ compared: 2_996, explained: { uprating: 1, wording: 1 } }).why, /uprating was seen 1 of 2 times/)
  assert.equal(judge({ compared: 500, unexplained: 9, weight: 9 }).decision, 'failed')
  const strict = judgeShadow(
    { ...plan, unintendedShareMax: 0 },
    manifest!,
    sums({ compared: 10, unexplained: 1, weight: 1 }),
    0,
    1,
  )
  assert.match(strict.why, /1 answer of 10 differ/)
})

test('a group that is hit harder than the rest fails the shadow, a small one proves nothing', () => {
  const of = (pensioners: number, compared: number): Sums => ({
    ...NO_SUMS,
    cohorts: {
      pensioners: { compared, unexplained: pensioners },
      wales: { compared: 5_000, unexplained: 5 },
      '': { compared: 9, unexplained: 9 },
    },
  })
  assert.deepEqual(unfairCohorts(of(2, 1_000)), [])
  assert.match(unfairCohorts(of(15, 1_000))[0]!, /pensioners has 1\.5 %, the others 0\.1 %/)
  assert.deepEqual(unfairCohorts(of(15, 50)), [])
})

test('sums add up in any order and stay small', () => {
  const parts = Array.from({ length: 300 }, (_, i) =>
    pair(json({ age: 40, [`k${i}`]: 1 }), json({ age: 40, [`k${i}`]: 2 })),
  )
  const there = parts.reduce(addSums, NO_SUMS)
  const back = [...parts].reverse().reduce(addSums, NO_SUMS)
  assert.equal(there.unexplained, 300)
  assert.equal(back.compared, there.compared)
  assert.ok(Object.keys(there.places).length <= 30)
})
