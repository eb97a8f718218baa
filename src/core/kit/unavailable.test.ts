import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadService } from '../define/load.ts'
import { openingOf, retryMinutes, unavailablePage } from './unavailable.ts'

const definition = (name: string) =>
  loadService(
    readFileSync(fileURLToPath(new URL(`../../../examples/${name}/service.yaml`, import.meta.url)), 'utf8'),
    'service.yaml',
  ).service!

test('the moment is day, date and time in London, and never midnight', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['2026-11-23T09:00Z', '9am on Monday 23 November 2026'],
    ['2027-06-01T08:30Z', '9:30am on Tuesday 1 June 2027'],
    ['2026-11-23T12:00Z', 'midday on Monday 23 November 2026'],
    ['2026-11-23T00:00Z', 'the beginning of Monday 23 November 2026'],
    ['2026-11-23T00:05Z', '12:05am on Monday 23 November 2026'],
    ['2026-11-23T23:59Z', '11:59pm on Monday 23 November 2026'],
    // The evening before the clocks go forward, and the morning after.
    ['2027-03-27T23:00Z', '11pm on Saturday 27 March 2027'],
    ['2027-03-28T08:00Z', '9am on Sunday 28 March 2027'],
  ]
  for (const [at, says] of cases) assert.equal(openingOf(Date.parse(at), 'Europe/London'), says)
})

test('the page stands alone, says whom to call and when to come back, and asks for 503', () => {
  for (const name of ['renewal-documents', 'heating-payment', 'enquiries']) {
    const service = definition(name)
    for (const back of [undefined, Date.UTC(2026, 11, 1, 9)]) {
      const page = unavailablePage(service, back)
      assert.ok(Buffer.byteLength(page) < 60_000)
      assert.ok(!/<(script|link|img|iframe)|url\(|https?:/.test(page), 'nothing from elsewhere')
      assert.ok(page.includes(service.comms.contact.phone) && page.includes(service.comms.contact.hours))
      assert.match(page, /status 503/)
      assert.match(page, back === undefined ? /Retry-After: \d+"/ : /Retry-After: Tue, 01 Dec 2026 09:00:00 GMT"/)
      assert.match(page, back === undefined ? /Try again in \d+ minutes/ : /from 9am on Tuesday 1 December 2026\./)
      assert.deepEqual(page.match(/lang="\w+"/g), ['lang="en"'], 'nothing is translated by a program')
      assert.equal(page.includes('<!-- Welsh: not translated yet.'), service.service.languages.includes('cy'))
      if (service.comms.savedAnswers)
        assert.ok(page.includes('We keep') || page.includes('answers'), 'what happened to answers')
    }
  }
})

test('words in another language are a translator’s, and stand in the definition', () => {
  const service = definition('heating-payment')
  const unavailable = [{ language: 'cy', heading: 'Y pennawd <b>', says: 'Y ffôn' }]
  const page = unavailablePage({ ...service, comms: { ...service.comms, unavailable } })
  assert.match(page, /<section lang="cy">\n<h2>Y pennawd &lt;b&gt;<\/h2>\n<p>Y ffôn <a href="tel:08081570114">/)
  assert.ok(!page.includes('not translated'))
})

test('nobody is sent back sooner than five minutes', () => {
  const service = definition('enquiries')
  assert.equal(retryMinutes(service), 15)
  const hurried = {
    ...service,
    journeys: [{ ...service.journeys[0]!, tolerance: { ...service.journeys[0]!.tolerance, recoverMinutes: 1 } }],
  }
  assert.equal(retryMinutes(hurried), 5)
})

test('text of a definition cannot become markup', () => {
  const service = definition('enquiries')
  const page = unavailablePage({ ...service, service: { ...service.service, name: '<script>alert(1)</script>' } })
  assert.ok(!page.includes('<script>'))
})
