import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadService } from '../define/load.ts'
import { MINUTE } from '../time.ts'
import { openIncident } from './incident.ts'
import { reviewOf } from './review.ts'
import type { IncidentState } from './state.ts'

const file = fileURLToPath(new URL('../../../examples/heating-payment/service.yaml', import.meta.url))
const service = loadService(readFileSync(file, 'utf8'), 'service.yaml').service!
// 23 November 2026, 03:00 in London.
const AT = Date.UTC(2026, 10, 23, 3)

const opened = openIncident(
  {
    id: 'inc-1',
    service: 'heating-payment',
    openedBy: 'dep-3',
    trigger: { kind: 'deployment', id: 'dep-3' },
    severity: 'P1',
    severityRule: 'The floor of the journey.',
    journey: 'apply',
    faultStartedAt: AT,
    detectedAt: AT + MINUTE,
    harmed: 3,
    says: 'Citizens cannot send their application',
    runbook: 'submissions-fail',
    ladder: [{ role: 'on-call', route: 'webhook', to: 'pager', afterMs: MINUTE }],
    fallback: { role: 'manager', route: 'email', to: 'm@example.org', afterMs: MINUTE },
    comms: {
      audiences: [{ id: 'citizens', channel: 'status-page' }],
      facts: { serviceName: 'Apply', cannot: 'send', who: 'people', instead: null, answers: null },
    },
    ongoing: true,
  },
  AT + MINUTE,
).state as unknown as IncidentState

test('the template of the kit asks everything and knows nothing', () => {
  const { text, gaps } = reviewOf(service)
  assert.deepEqual(gaps, [])
  assert.ok(!text.includes('inc-1') && !text.includes('## Ask first'))
  for (const mode of service.failureModes) assert.ok(text.includes(mode.name))
})

test('what the log knows is written in, what it does not know is asked, and nobody is named', () => {
  const state: IncidentState = {
    ...opened,
    times: { ...opened.times, paged: AT + 2 * MINUTE, acked: AT + 20 * MINUTE, mitigated: AT + 30 * MINUTE },
    runbook: {
      id: 'submissions-fail',
      progress: [{ step: 'is-it-real', result: 'failed', who: 'asha', at: AT + 21 * MINUTE, says: 'asha saw 3 | 41' }],
    },
    timeline: [
      { at: AT + MINUTE, kind: 'incident.opened', who: 'holdfast', says: 'P1: citizens cannot send.' },
      { at: AT + 20 * MINUTE, kind: 'incident.acked', who: 'asha', says: 'asha took the incident.' },
    ],
  }
  const { text, gaps } = reviewOf(service, state)
  assert.ok(!/asha/.test(text), 'roles, not names')
  assert.match(text, /3 citizens known to be harmed, from Mon 23 Nov, 03:00:00 GMT for 30 min\./)
  assert.match(text, /\| mitigated \| .*03:30:00 GMT, 30 min after it began \| log \|/)
  assert.match(text, /\| resolved \| not in the log \| log \|/)
  assert.match(text, /is-it-real: failed, .*a person saw 3 \| 41/)
  for (const asked of [
    /not resolved/,
    /No public words/,
    /what must change in the runbook/,
    /18 min from the first page/,
  ])
    assert.ok(
      gaps.some((gap) => asked.test(gap)),
      String(asked),
    )
})

test('times that cannot be are asked about', () => {
  const { gaps } = reviewOf(service, {
    ...opened,
    times: { ...opened.times, paged: AT + 5 * MINUTE, acked: AT - MINUTE },
  })
  assert.ok(gaps.some((gap) => /"acknowledged".* comes before "first page"/.test(gap)))
})
