import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Audience, type CommsFacts, citizenTime, draftOf, lintWording, STAGES } from './comms.ts'

const at = (iso: string) => Date.parse(iso)
const facts: CommsFacts = {
  serviceName: 'Apply for a cold weather heating payment',
  cannot: 'send your application',
  who: 'people applying online',
  sinceAt: at('2026-11-23T03:02:40Z'),
  instead: 'Call 0808 157 0000, Monday to Friday, 8am to 6pm.',
  answers: 'Answers you have already given are saved.',
  cause: null,
  harmed: 12,
  nextUpdateAt: at('2026-11-23T04:00:00Z'),
  endedAt: at('2026-11-23T03:20:00Z'),
}

test('what we draft ourselves passes our own wording check, for every audience and stage', () => {
  for (const audience of ['citizens', 'front-line', 'minister'] as Audience[]) {
    for (const stage of STAGES) {
      const { text } = draftOf(facts, audience, stage)
      const errors = lintWording({ audience, stage, text }, ['heating-payment', 'submit-worker'])
      assert.deepEqual(
        errors.filter(({ severity }) => severity === 'error'),
        [],
        `${audience} ${stage}:\n${text}`,
      )
    }
  }
})

test('citizens read what fails, since when, what to do and when they hear more', () => {
  assert.equal(
    draftOf(facts, 'citizens', 'investigating').text,
    [
      'You may not be able to send your application. Some people applying online have had this problem since 3:02am on Monday 23 November.',
      'We are finding out why.',
      'Answers you have already given are saved.',
      'Call 0808 157 0000, Monday to Friday, 8am to 6pm.',
      'We will update this page by 4am on Monday 23 November.',
    ].join('\n\n'),
  )
})

test('a span says its day once, unless it is two days', () => {
  const said = (endedAt: number) => draftOf({ ...facts, endedAt }, 'citizens', 'resolved').text
  assert.match(said(at('2026-11-23T03:20:00Z')), /from 3:02am to 3:20am on Monday 23 November\./)
  assert.match(said(at('2026-11-24T01:00:00Z')), /from 3:02am on Monday 23 November to 1am on Tuesday 24 November\./)
})

test('times are written as GOV.UK writes them, in London, and never say midnight', () => {
  const cases: [string, string][] = [
    ['2026-11-23T03:02:00Z', '3:02am on Monday 23 November'],
    ['2026-07-01T17:00:00Z', '6pm on Wednesday 1 July'],
    ['2026-11-23T12:00:00Z', 'midday on Monday 23 November'],
    ['2026-11-24T00:00:00Z', '11:59pm on Monday 23 November'],
    ['2026-11-24T00:30:00Z', '12:30am on Tuesday 24 November'],
  ]
  for (const [iso, said] of cases) assert.equal(citizenTime(at(iso)), said)
})

test('the wording check finds what a careful editor finds', () => {
  const good =
    'You cannot send your application. This started at 3am today. Please call us. Your answers are saved. We will update this page by 4am.'
  const cases: [string, RegExp][] = [
    [good.replace('You cannot', 'Due to technical difficulties you cannot'), /technical difficulties/],
    [good.replace('You cannot', 'The database is down and you cannot'), /database/],
    [good.replace('4am', 'midnight'), /midnight/],
    [good.replace('at 3am ', '').replace('by 4am', 'soon'), /since when/],
    [`${good} Contact [NAME].`, /placeholder/],
    [`${good} Write to jo.bloggs@example.org.`, /personal data/],
    [`${good} The submit-worker is restarting.`, /internal name/],
    [good.replace('We will update this page by 4am.', ''), /next update/],
    [good.replace('Please call us.', ''), /what to do instead/],
    [good.replace('Your answers are saved.', ''), /answers already given/],
    ['Down.', /almost nothing/],
  ]
  const draft = { audience: 'citizens', stage: 'investigating' } as const
  assert.deepEqual(lintWording({ ...draft, text: good }, ['submit-worker']), [])
  for (const [text, expected] of cases) {
    const says = lintWording({ ...draft, text }, ['submit-worker']).map((finding) => finding.says)
    assert.match(says.join('\n'), expected, text)
  }
})
