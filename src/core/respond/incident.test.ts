import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../json.ts'
import type { Effect, Entry } from '../machine.ts'
import { MINUTE, SECOND } from '../time.ts'
import { durationsOf, type IncidentDetails, incident, openIncident } from './incident.ts'
import { orderIn } from './page.ts'
import { wanted } from './paging.ts'
import type { IncidentState, Rung } from './state.ts'

// Monday 23 November 2026, 03:00 in London, which is UTC that day.
const DAY = Date.UTC(2026, 10, 23)
const NIGHT = DAY + 3 * 60 * MINUTE
const onCall: Rung = { role: 'on-call', route: 'webhook', to: 'pager', afterMs: 5 * MINUTE }
const byMail: Rung = { role: 'on-call', route: 'email', to: 'on-call@example.org', afterMs: 5 * MINUTE }
const second: Rung = { role: 'second', route: 'webhook', to: 'pager-2', afterMs: 5 * MINUTE }
const manager: Rung = { role: 'manager', route: 'email', to: 'manager@example.org', afterMs: 10 * MINUTE }

const details: IncidentDetails = {
  id: 'inc-1',
  service: 'heating-payment',
  openedBy: 'dep-3',
  trigger: { kind: 'deployment', id: 'dep-3' },
  severity: 'P1',
  severityRule: 'Submitting an application has severity floor P1.',
  journey: 'apply',
  step: 'submit',
  faultStartedAt: NIGHT - 20 * SECOND,
  detectedAt: NIGHT - 5 * SECOND,
  harmed: 3,
  says: 'Citizens cannot send their application.',
  runbook: 'submissions-fail',
  ladder: [onCall, second],
  fallback: manager,
  repeats: 0,
  comms: {
    audiences: [
      { id: 'citizens', channel: 'status-page' },
      { id: 'front-line', channel: 'email' },
    ],
    facts: {
      serviceName: 'Apply for a cold weather heating payment',
      cannot: 'send your application',
      who: 'people applying online',
      instead: 'Call 0808 157 0000, Monday to Friday, 8am to 6pm.',
      answers: 'Answers you have already given are saved.',
    },
  },
  ongoing: true,
}

/** An incident whose engine, notifiers and people are in the test's hands. */
class Night {
  state: IncidentState
  now = NIGHT
  readonly said: string[] = []
  readonly entries: Entry[] = []
  readonly routes: Record<string, 'works' | 'fails' | 'loses' | 'hangs'> = {}
  private wakeAt: number | null
  private messages = 0

  constructor(changed: Partial<IncidentDetails> = {}) {
    const spawn = openIncident({ ...details, ...changed }, NIGHT)
    this.state = spawn.state as unknown as IncidentState
    this.wakeAt = spawn.wakeAt
  }

  message(name: string, who: string, payload: Json = {}): Effect[] {
    return this.react({ kind: 'message', id: `m${++this.messages}`, name, who, payload })
  }

  outcome(effect: string, of: string, outcome: Json): Effect[] {
    return this.react({ kind: 'outcome', effect, of, outcome })
  }

  tick(): Effect[] {
    return this.react({ kind: 'tick', seen: null })
  }

  runUntil(at: number): void {
    while (this.wakeAt !== null && this.wakeAt <= at) {
      this.now = Math.max(this.now, this.wakeAt)
      this.perform(this.tick())
    }
    this.now = at
  }

  perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'comms.publish') {
        this.say(`publish ${(effect.payload as { draft: string }).draft}`)
        this.perform(this.outcome(effect.id, effect.kind, { published: 'yes' }))
        continue
      }
      const order = orderIn(effect.payload)
      if (!wanted(this.state, order.page)) continue
      this.say(
        `${order.route} ${order.role}${order.mayBeRepeat ? ' may-be-repeat' : ''}${order.about === 'update-due' ? ' update-due' : ''}`,
      )
      const how = this.routes[order.route] ?? 'works'
      if (how === 'hangs') continue
      const outcome =
        how === 'works'
          ? { sent: 'accepted', reference: 'r' }
          : how === 'fails'
            ? { sent: 'failed', why: '550 no such user on-call@example.org' }
            : { sent: 'unknown', why: 'the answer was lost' }
      this.perform(this.outcome(effect.id, effect.kind, outcome))
    }
  }

  why(kind: string): string[] {
    return this.entries.filter((entry) => entry.kind === kind).map((entry) => entry.why)
  }

  private react(event: Parameters<typeof incident.react>[1]): Effect[] {
    const reaction = incident.react(this.state, event, this.now)
    // Whatever is stored must survive the database.
    this.state = JSON.parse(JSON.stringify(reaction.state))
    this.wakeAt = reaction.wakeAt
    this.entries.push(...reaction.entries)
    return [...reaction.effects]
  }

  private say(what: string): void {
    const time = new Date(this.now).toISOString().slice(11, 19)
    this.said.push(`${time.endsWith(':00') ? time.slice(0, 5) : time} ${what}`)
  }
}

/**
 * Lines with "?" are what happens, the others are what must be seen, in order and complete.
 * What happens: "ack WHO", "ROUTE works|fails|loses|hangs", "message NAME WHO {json}", "nothing".
 */
function timeline(changed: Partial<IncidentDetails>, story: string): Night {
  const night = new Night(changed)
  const expected: string[] = []
  const lines = story
    .split('\n')
    .map((line) => line.replace(/ #.*/, '').trim())
    .filter(Boolean)
  for (const line of lines) {
    const asked = /^(\S+) \? (.+)$/.exec(line)
    if (!asked) {
      expected.push(line)
      continue
    }
    const [hours, minutes, seconds] = asked[1]!.split(':').map(Number)
    const at = DAY + ((hours! * 60 + minutes!) * 60 + (seconds ?? 0)) * SECOND
    const [verb, word, ...rest] = asked[2]!.split(' ')
    const isRoute = ['works', 'fails', 'loses', 'hangs'].includes(word ?? '')
    // A route that breaks at a minute is broken for what is due in that minute.
    night.runUntil(isRoute ? at - 1 : at)
    if (isRoute) night.routes[verb!] = word as 'works'
    else if (verb === 'ack') night.perform(night.message('ack', word!))
    else if (verb === 'message')
      night.perform(night.message(word!, rest[0]!, JSON.parse(rest.slice(1).join(' ') || '{}')))
  }
  assert.deepEqual(night.said, expected)
  return night
}

test('an unanswered page climbs the ladder, then the fall-back role, until someone answers', () => {
  const night = timeline(
    {},
    `
    03:00 webhook on-call
    03:05 webhook second        # nobody answered
    03:10 email manager         # the fall-back role
    03:20 email manager
    03:21 ? ack manager
    03:40 ? message note manager {"text":"looking"}
    04:00 ? message step-done manager {"step":"confirm","says":"seen"}
    04:30 ? nothing
    04:30 webhook on-call       # taken, then silent for half an hour: somebody must look
  `,
  )
  assert.match(night.why('page.resumed')[0]!, /manager took the incident, but nothing was written down for 30 min/)
})

test('a page that fails goes to the next route at once', () => {
  timeline(
    { ladder: [onCall, byMail, second] },
    `
    03:00 ? webhook fails
    03:00 webhook on-call
    03:00 email on-call
    03:02 ? ack on-call
    03:20 ? message resolved on-call {"because":"fixed"}
    04:00 ? nothing
  `,
  )
})

test('a lost answer goes to the next route at once, marked as a possible repeat', () => {
  timeline(
    { ladder: [onCall, byMail] },
    `
    03:00 ? webhook loses
    03:00 webhook on-call
    03:00 email on-call may-be-repeat
    03:01 ? ack on-call
  `,
  )
})

test('a notifier that never answers does not hold the ladder up', () => {
  timeline(
    { ladder: [onCall, byMail] },
    `
    03:00 ? webhook hangs
    03:00 webhook on-call
    03:00:30 email on-call may-be-repeat
    03:01 ? ack on-call
  `,
  )
})

test('when no route works, all are tried again with growing pauses, and none is forgotten', () => {
  const night = timeline(
    {},
    `
    03:00 ? webhook fails
    03:00 ? email fails
    03:00 webhook on-call
    03:00 webhook second
    03:00 email manager
    03:00:30 webhook on-call
    03:00:30 webhook second
    03:00:30 email manager
    03:01 ? email works
    03:01:30 webhook on-call
    03:01:30 webhook second
    03:01:30 email manager
    03:02 ? ack manager
  `,
  )
  assert.equal(night.why('page.no-route').length, 2)
  assert.doesNotMatch(JSON.stringify(night.entries), /example\.org/, 'addresses stay out of the log')
})

test('repeats are bounded, and the end is written down', () => {
  const night = timeline(
    { repeats: 1 },
    `
    03:00 webhook on-call
    03:05 webhook second
    03:10 webhook on-call
    03:15 webhook second
    03:20 email manager
    03:30 email manager
    03:40 email manager
    08:00 ? nothing
  `,
  )
  assert.equal(night.state.paging.phase, 'exhausted')
  assert.match(night.why('page.exhausted')[0]!, /stays open and needs a person/)
})

test('while citizens are safe again one round is enough, and nobody senior is woken', () => {
  timeline(
    { ongoing: false, repeats: 3 },
    `
    03:00 webhook on-call
    03:05 webhook second
    08:00 ? nothing
  `,
  )
  // … unless nobody else could be reached at all.
  timeline(
    { ongoing: false },
    `
    03:00 ? webhook fails
    03:00 webhook on-call
    03:00 webhook second
    03:00 email manager
    03:01 ? ack manager
  `,
  )
})

test('a ladder of one rung still wakes somebody, once when citizens are safe', () => {
  timeline(
    { ladder: [], ongoing: false },
    `
    03:00 email manager
    08:00 ? nothing
  `,
  )
})

test('no page is sent after an acknowledgement was taken, whatever lies in the outbox', () => {
  const night = new Night()
  const [page] = night.tick()
  // The engine died before it sent. Another one takes the acknowledgement first (from the console), then finds the page.
  night.message('ack', 'asha')
  assert.equal(wanted(night.state, page!.id), false)
  night.outcome(page!.id, 'page.send', { sent: 'suppressed' })
  night.runUntil(NIGHT + 20 * MINUTE)
  assert.deepEqual(night.said, [])
})

test('an acknowledgement and a page in the same batch of events: the acknowledgement wins', () => {
  const night = new Night()
  const effects = [...night.message('ack', 'asha'), ...night.tick()]
  for (const effect of effects) assert.equal(wanted(night.state, effect.id), false)
})

test('an acknowledgement link works once', () => {
  const night = new Night()
  const [page] = night.tick()
  night.message('ack', 'on-call', { page: page!.id })
  night.message('ack', 'on-call', { page: page!.id })
  assert.deepEqual(night.why('incident.request-refused'), ['This link was used before. It works once.'])
})

test('a rollback that could not be confirmed pages at once, with the thing to do by hand first', () => {
  const night = new Night({ manualStep: 'Run: holdfast deploy rollback --now' })
  const [effect] = night.tick()
  assert.equal(night.now - NIGHT, 0)
  const { text, subject } = orderIn(effect!.payload)
  assert.match(text, /DO THIS NOW: Run: holdfast deploy rollback --now/)
  assert.match(subject, /^P1 Apply for a cold weather heating payment: Citizens cannot send/)
})

test('only a person approves words, and only the words that they have read', () => {
  const night = new Night()
  night.tick()
  const draft = 'citizens-investigating'
  const approve = (who: string, version: number) =>
    night.message('comms-approve', who, { draft, version }).filter((effect) => effect.kind === 'comms.publish')
  assert.equal(approve('holdfast', 1).length, 0, 'Holdfast may not approve')
  night.message('comms-draft-edited', 'ben', {
    draft,
    text: 'You cannot send your application. This started at 3am today. Please call us. Your answers are saved. We will update this page by 4am.',
  })
  assert.equal(approve('asha', 1).length, 0, 'version 1 was read, version 2 is there')
  const [publish, ...more] = approve('asha', 2)
  assert.equal(more.length, 0)
  assert.match(JSON.stringify(publish!.payload), /You cannot send your application/)
  assert.equal(approve('asha', 2).length, 0, 'approved twice is published once')
  night.outcome(publish!.id, 'comms.publish', { unreachable: true, why: 'disk full' })
  assert.match(night.why('comms.failed')[0]!, /NOT published: disk full/)
  assert.equal(approve('asha', 3).length, 1, 'and it can be tried again')
})

test('words with jargon, or without a time, cannot be approved', () => {
  const night = new Night()
  night.tick()
  night.message('comms-draft-edited', 'ben', {
    draft: 'citizens-investigating',
    text: 'We are experiencing technical difficulties with our database. Sorry for any inconvenience caused.',
  })
  const effects = night.message('comms-approve', 'ben', { draft: 'citizens-investigating', version: 2 })
  assert.deepEqual(effects, [])
  assert.match(night.why('incident.request-refused').at(-1)!, /technical difficulties.*says nothing to a citizen/)
})

test('the communications lead is told ten minutes before a public update is due, once', () => {
  timeline(
    {
      comms: {
        ...details.comms,
        lead: { role: 'comms-lead', route: 'email', to: 'press@example.org', afterMs: MINUTE },
      },
    },
    `
    03:00 webhook on-call
    03:01 ? ack on-call
    03:05 email comms-lead update-due
    03:10 ? message comms-approve on-call {"draft":"citizens-investigating","version":1}
    03:10 publish citizens-investigating
    03:30 ? message note on-call {"text":"looking"}
    03:55 ? message note on-call {"text":"looking"}
    04:00 email comms-lead update-due
    04:01 ? message resolved on-call {"because":"the old release is back"}
  `,
  )
})

test('closing waits for every channel that was told of the problem', () => {
  const night = timeline(
    {},
    `
    03:00 webhook on-call
    03:01 ? ack on-call
    03:02 ? message comms-approve asha {"draft":"citizens-investigating","version":1}
    03:02 publish citizens-investigating
    03:10 ? message mitigated holdfast {"how":"Release r2 is back."}
    03:15 ? message resolved asha {"because":"the cause is gone"}
    03:16 ? message close asha {}
    03:17 ? message comms-approve asha {"draft":"citizens-resolved","version":1}
    03:17 publish citizens-resolved
    03:18 ? message close asha {}
  `,
  )
  assert.match(night.why('incident.request-refused')[0]!, /status-page still says that there is a problem/)
  assert.equal(night.state.phase, 'closed')
  const took = durationsOf(night.state)
  assert.equal(took.detectedMs, 15 * SECOND)
  assert.equal(took.ackedMs, 80 * SECOND)
  assert.equal(took.mitigatedMs, 10 * MINUTE + 20 * SECOND)
})

test('a rollback that failed after all wakes people again', () => {
  timeline(
    { ongoing: false },
    `
    03:00 webhook on-call
    03:01 ? ack on-call
    03:04 ? message relapsed holdfast {"because":"The old release fails too."}
    03:04 webhook on-call
    03:05 ? ack on-call
  `,
  )
})

test('runbook progress is kept with who and when, and a skipped step needs a reason', () => {
  const night = new Night()
  night.tick()
  night.message('step-done', 'asha', { step: 'confirm', says: '3 of 10 failed' })
  night.message('step-skipped', 'asha', { step: 'restart' })
  night.message('step-skipped', 'asha', { step: 'restart', says: 'already restarted' })
  const seen = night.state.runbook!.progress.map(({ step, result, who }) => `${who} ${result} ${step}`)
  assert.deepEqual(seen, ['asha done confirm', 'asha skipped restart'])
})

test('hostile messages are refused in words and change nothing', () => {
  const night = new Night()
  night.tick()
  const before = { ...night.state, timeline: [] }
  const hostile: [string, Json][] = [
    ['__proto__', {}],
    ['severity', { severity: 'P0' }],
    ['comms-approve', { draft: '__proto__', version: 1 }],
    ['step-done', { step: ['x'] }],
    ['harm', { harmed: 'lots' }],
    ['close', null],
    ['x'.repeat(10_000), []],
  ]
  for (const [name, payload] of hostile) night.message(name, 'mallory', payload)
  assert.equal(night.why('incident.request-refused').length, hostile.length)
  assert.deepEqual({ ...night.state, timeline: [] }, before)
})
