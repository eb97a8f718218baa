import assert from 'node:assert/strict'
import test from 'node:test'
import { loadService } from './load.ts'
import { DEFINE_RULES } from './rules.ts'

/** The smallest definition that is right: what a new team has to decide, and nothing else. */
const SMALL = `service:
  id: parking-appeal
  name: Appeal against a parking ticket
  phase: live
journeys:
  - id: appeal
    name: Appeal against a ticket
    harmIfFails: people pay a fine they do not owe
    harmClass: rights-lost
    tolerance: { recoverMinutes: 30, harmAfterMinutes: 120 }
    steps:
      - { id: send, name: Send the appeal, method: POST, route: /appeal/send, limitMs: 4000 }
failureModes:
  - id: appeals-fail
    name: Appeals cannot be sent
    rank: 1
    journeys: [appeal]
    citizenSees: the problem page after Send
    detect: { kind: ratio }
    confirm: [send the test appeal]
    act: { first: take the newest release back, undo: deploy it again }
    degrade: appeals by post, dated by postmark
deployment:
  gates:
    - { id: unit, run: [npm, test] }
    - { id: accessibility, kind: accessibility, run: [npm, run, axe] }
    - { id: dependencies, kind: scan, run: [npm, audit] }
    - { id: secrets, kind: secrets, run: [gitleaks, detect] }
runtime:
  kind: ecs
  components:
    - { id: web, kind: web, replicas: 2, requestSecondsMax: 20, stopSecondsMax: 25 }
data:
  kinds: [{ name: identity, retention: P1Y }]
  dpia: { triggers: [new recipient] }
oncall:
  cover: always
  people:
    - { id: ana, name: Ana, email: ana@parking.example.gov.uk }
    - { id: raj, name: Raj, email: raj@parking.example.gov.uk }
  rotas:
    - { id: primary, from: "2026-11-02", people: [ana, raj] }
  ladder:
    - { role: primary on call, rota: primary, route: email, afterMinutes: 0 }
    - { role: head of service, route: email, to: head@parking.example.gov.uk, afterMinutes: 10 }
comms:
  contact: { phone: "0808 157 0199", hours: "Monday to Friday, 9am to 5pm" }
  mustSay: [whether the last day to appeal moves]
  audiences:
    - { id: citizens, channels: [banner, unavailable-page] }
`

test('an agreement that nobody can give is told before a release waits for it', () => {
  const says = (approvals: string, ana: string, raj: string) => {
    const text = SMALL.replace('deployment:\n', `deployment:\n  approvals: ${approvals}\n`)
      .replace('email: ana@parking.example.gov.uk', `email: ana@parking.example.gov.uk, roles: [${ana}]`)
      .replace('email: raj@parking.example.gov.uk', `email: raj@parking.example.gov.uk, roles: [${raj}]`)
    return loadService(text, 'service.yaml').findings.map((found) => `${found.rule}: ${found.says}`)
  }
  const [typo] = says('{ roles: [approver] }', 'aprover', '')
  assert.match(typo!, /^approvals-impossible: .*nobody under oncall.people has it/)
  const [alone] = says('{ roles: [approver] }', 'deployer, approver', 'deployer')
  assert.match(alone!, /Only Ana has .*, and when Ana asks for a release nobody is left; 1 must agree to each release/)
  const [urgent] = says('{ roles: [approver] }', 'approver', 'deployer')
  assert.match(urgent!, /outside of the window 2 must agree/)
  assert.deepEqual(says('{ people: 2, roles: [approver] }', 'approver', 'approver'), [])
  assert.deepEqual(says('{ people: 2 }', 'approver', ''), [])
  assert.deepEqual(says('{ roles: [approver] }', '', ''), [], 'nobody’s roles are written down')
})

test('a small service stays small, and is right', () => {
  const { service, findings } = loadService(SMALL, 'service.yaml')
  assert.deepEqual(findings, [])
  assert.equal(service?.deployment.alpha, 0.001)
  assert.deepEqual(service?.deployment.canary.rungs, [0.01, 0.05, 0.1, 0.25, 0.5, 0.95])
})

/** What is changed in the small definition, and where the finding must point. `adds` is put at the end. */
interface Case {
  readonly rule: string
  readonly change?: readonly [string, string]
  readonly adds?: string
  /** Text that stands where the finding points to. */
  readonly at: string
  /** Words that the sentence or its fix must have. */
  readonly words: readonly string[]
}

const MODE = (id: string, rank: number, more = '') =>
  `  - { id: ${id}, name: ${id}, rank: ${rank}, journeys: [appeal], citizenSees: an error, detect: { kind: ratio }, confirm: [look], act: { first: go back, undo: none }, degrade: post${more} }\n`

const CASES: readonly Case[] = [
  { rule: 'yaml-syntax', change: ['phase: live', 'phase: "live'], at: '', words: ['quotes'] },
  { rule: 'yaml-trap', change: ['"0808 157 0199"', '08081570199'], at: '08081570199', words: ['leading 0'] },
  {
    rule: 'yaml-trap',
    adds: 'environments: [{ id: production, kind: production, account: no }]\n',
    at: 'no }]',
    words: ['true or false'],
  },
  {
    rule: 'yaml-trap',
    change: ['confirm: [send the test appeal]', 'confirm: [send the test appeal]\n    note: 10:30'],
    at: '10:30',
    words: ['number'],
  },
  {
    rule: 'yaml-trap',
    change: ['route: /appeal/send,', 'route: /appeal/send, marker: Sent, thanks,'],
    at: 'thanks',
    words: ['comma'],
  },
  {
    rule: 'duplicate-key',
    change: ['  phase: live\n', '  phase: live\n  phase: beta\n'],
    at: 'phase: beta',
    words: ['twice'],
  },
  { rule: 'too-large', adds: `x: ${'['.repeat(40)}${']'.repeat(40)}\n`, at: 'service', words: ['deeper'] },
  { rule: 'unknown-key', change: ['limitMs: 4000', 'limitMS: 4000'], at: 'limitMS', words: ['Did you mean "limitMs"'] },
  {
    rule: 'unknown-key',
    change: ['  phase: live\n', '  phase: live\n  recoverMinutes: 5\n'],
    at: 'recoverMinutes: 5',
    words: ['belongs to journeys[].tolerance'],
  },
  {
    rule: 'unknown-key',
    change: ['  name: Appeal against a parking ticket', '  nmae: Appeal against a parking ticket'],
    at: 'nmae',
    words: ['Did you mean "name"'],
  },
  {
    rule: 'missing',
    change: ['    harmIfFails: people pay a fine they do not owe\n', ''],
    at: 'id: appeal\n',
    words: ['harmIfFails', 'what happens to people'],
  },
  { rule: 'wrong-type', change: ['name: Appeal against a parking ticket', 'name: 42'], at: '42', words: ['quotes'] },
  {
    rule: 'wrong-unit',
    change: ['limitMs: 4000', 'limitMs: 4 s'],
    at: '4 s',
    words: ['milliseconds', 'limitMs: 4000'],
  },
  {
    rule: 'wrong-unit',
    change: ['recoverMinutes: 30', 'recoverMinutes: PT0H30M'],
    at: 'PT0H30M',
    words: ['recoverMinutes: 30'],
  },
  {
    rule: 'wrong-unit',
    change: ['deployment:\n', 'deployment:\n  alpha: 0.1 %\n'],
    at: '0.1 %',
    words: ['alpha: 0.001'],
  },
  {
    rule: 'wrong-value',
    change: ['harmClass: rights-lost', 'harmClass: right-lost'],
    at: 'right-lost',
    words: ['Did you mean "rights-lost"'],
  },
  { rule: 'bad-format', change: ['route: /appeal/send', 'route: appeal/send'], at: 'appeal/send', words: ['path'] },
  { rule: 'out-of-range', change: ['limitMs: 4000', 'limitMs: 4000000'], at: '4000000', words: ['at most 600000'] },
  {
    rule: 'duplicate-id',
    change: ['id: raj, name: Raj', 'id: ana, name: Raj'],
    at: 'ana, name: Raj',
    words: ['two elements'],
  },
  {
    rule: 'unknown-reference',
    change: ['journeys: [appeal]', 'journeys: [apeal]'],
    at: 'apeal]',
    words: ['Did you mean "appeal"'],
  },
  {
    rule: 'secret-in-definition',
    change: ['kind: ecs\n', 'kind: ecs\n'],
    adds: 'sources: [{ about: service, kind: given, says: "postgres://app:hunter22@db/app" }]\n',
    at: '"postgres',
    words: ['password', 'NAME'],
  },
  {
    rule: 'too-many-failure-modes',
    change: ['deployment:\n', `${[2, 3, 4, 5, 6].map((rank) => MODE(`mode-${rank}`, rank)).join('')}deployment:\n`],
    at: '{ id: mode-6',
    words: ['6 failure modes', 'mode-6 comes last', 'deferred'],
  },
  { rule: 'failure-mode-ranks', change: ['rank: 1', 'rank: 3'], at: '3\n', words: ['1 to 1'] },
  {
    rule: 'failure-mode-without-journey',
    change: ['journeys: [appeal]', 'journeys: []'],
    at: '[]',
    words: ['breaks no journey'],
  },
  {
    rule: 'journey-without-failure-mode',
    change: ['journeys: [appeal]', 'journeys: []'],
    at: 'id: appeal\n',
    words: ['pay a fine'],
  },
  {
    rule: 'silent-failure-unseen',
    change: ['    detect: { kind: ratio }', '    silent: true\n    detect: { kind: ratio }'],
    at: 'ratio',
    words: ['freshness'],
  },
  {
    rule: 'first-action-needs-more-time',
    change: ['first: take the newest release back', 'first: { says: rebuild, minutes: 45 }'],
    at: '{ says: rebuild',
    words: ['45 minutes'],
  },
  {
    rule: 'command-input-unknown',
    change: ['first: take the newest release back', "first: { says: go back, run: 'go back ${FEED:?}' }"],
    at: '{ says: go back',
    words: ['FEED', 'inputs'],
  },
  {
    rule: 'peak-in-utc',
    change: ['phase: live', 'phase: live\n  timezone: Etc/UTC'],
    at: 'Etc/UTC',
    words: ['Europe/London'],
  },
  {
    rule: 'peak-in-utc',
    adds: 'peaks: [{ id: noon, rrule: "FREQ=DAILY", local: "11:00Z-13:00Z" }]\n',
    at: '"11:00Z',
    words: ['wall time'],
  },
  {
    rule: 'unknown-timezone',
    change: ['phase: live', 'phase: live\n  timezone: Europe/Londno'],
    at: 'Europe/Londno',
    words: ['no time zone'],
  },
  {
    rule: 'impossible-date',
    adds: 'peaks: [{ id: leap, dates: ["2027-02-29"] }]\n',
    at: '"2027-02-29"',
    words: ['no such day'],
  },
  {
    rule: 'peak-without-time',
    adds: 'peaks: [{ id: vague, times: 3 }]\n',
    at: '{ id: vague',
    words: ['does not say when'],
  },
  {
    rule: 'peak-never-happens',
    adds: 'peaks: [{ id: never, rrule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" }]\n',
    at: '"FREQ',
    words: ['no day'],
  },
  {
    rule: 'peak-never-happens',
    adds: 'peaks: [{ id: season, rrule: "FREQ=YEARLY;BYMONTH=3,4" }]\n',
    at: '"FREQ',
    words: ['FREQ=DAILY;BYMONTH'],
  },
  {
    rule: 'clock-change-hour',
    change: [
      'requestSecondsMax: 20, stopSecondsMax: 25 }',
      'requestSecondsMax: 20, stopSecondsMax: 25 }\n    - { id: nightly, kind: scheduled, schedule: { local: ["01:30"] } }',
    ],
    at: '"01:30"',
    words: ['twice'],
  },
  {
    rule: 'schedule-ends-before-it-starts',
    change: [
      'requestSecondsMax: 20, stopSecondsMax: 25 }',
      'requestSecondsMax: 20, stopSecondsMax: 25 }\n    - { id: file, kind: scheduled, schedule: { local: ["18:00"], typicalMinutes: 90, doneBy: "19:00" } }',
    ],
    at: '"19:00"',
    words: ['90 minutes'],
  },
  { rule: 'window-never-open', adds: 'peaks: [{ id: always, rrule: "FREQ=DAILY" }]\n', at: '', words: ['whole year'] },
  {
    rule: 'calendar-unchecked',
    adds: 'calendars: [{ id: bank-holidays, source: gov.uk, divisions: [scotland] }]\n',
    at: '{ id: bank-holidays',
    words: ['verifyEvery'],
  },
  { rule: 'rota-gap', change: ['people: [ana, raj]', 'people: [ana]'], at: '[ana]', words: ['one person'] },
  {
    rule: 'rota-gap',
    change: ['route: email, afterMinutes: 0', 'route: email, afterMinutes: 3'],
    at: '3 }',
    words: ['first minutes'],
  },
  {
    rule: 'escalation-reaches-nobody',
    change: [', email: raj@parking.example.gov.uk', ''],
    at: '{ role: primary',
    words: ['raj', 'no address'],
  },
  {
    rule: 'escalation-reaches-nobody',
    change: ['to: head@parking.example.gov.uk', 'to: head of service'],
    at: '{ role: head',
    words: ['not an e-mail address'],
  },
  {
    rule: 'escalation-reaches-nobody',
    change: ['afterMinutes: 10', 'afterMinutes: 0'],
    at: '- { role: primary',
    words: ['at once'],
  },
  {
    rule: 'page-outside-cover',
    change: ['detect: { kind: ratio }', 'detect: { kind: by-time, pageAt: ["05:55"] }'],
    at: '"05:55"',
    words: ['07:00-19:00'],
  },
  {
    rule: 'language-not-spoken',
    change: ['phase: live', 'phase: live\n  languages: [en, cy]'],
    at: 'cy]',
    words: ['"cy"'],
  },
  {
    rule: 'nothing-must-be-said',
    change: ['  mustSay: [whether the last day to appeal moves]\n', ''],
    at: 'contact',
    words: ['mustSay'],
  },
  {
    rule: 'objective-without-budget',
    adds: 'slis: [{ id: up, kind: ratio, journey: appeal, targetPercent: 100 }]\n',
    at: '100',
    words: ['invariant'],
  },
  {
    rule: 'objective-unmeasurable',
    change: [
      '    steps:\n',
      '    demand: { normalPerMinute: 0.01, peakPerMinute: 0.1, nightPerMinute: 0, source: counts }\n    steps:\n',
    ],
    adds: 'slis: [{ id: sent, kind: ratio, journey: appeal, targetPercent: 99.9 }]\n',
    at: '99.9',
    words: ['269 attempts', 'at most 98.8 %'],
  },
  {
    rule: 'recovery-longer-than-tolerance',
    change: ['recoverMinutes: 30', 'recoverMinutes: 240'],
    at: '240',
    words: ['harmed after 120'],
  },
  {
    rule: 'rollback-budget',
    change: ['deployment:\n', 'deployment:\n  rollback: { budget: { detect: 9, drain: 8 } }\n'],
    at: '{ detect',
    words: ['17 minutes'],
  },
  {
    rule: 'page-budget-cannot-hold',
    change: [
      '    steps:\n',
      '    budget: { kbitPerSecond: 400, rttMs: 400, largestContentfulPaintMs: 4000, criticalBytes: 250000, pageBytes: 250000, worksWithoutScript: true }\n    steps:\n',
    ],
    at: '250000, pageBytes',
    words: ['120,000 bytes'],
  },
  {
    rule: 'stop-cuts-requests',
    change: ['requestSecondsMax: 20, stopSecondsMax: 25', 'requestSecondsMax: 60, stopSecondsMax: 30'],
    at: '30 }',
    words: ['stopSecondsMax: 65'],
  },
  { rule: 'single-replica', change: ['replicas: 2', 'replicas: 1'], at: '1, request', words: ['one replica'] },
  {
    rule: 'component-cannot-start',
    change: ['kind: ecs', 'kind: process'],
    at: '{ id: web',
    words: ['how it is started'],
  },
  {
    rule: 'traffic-cannot',
    change: [
      'run: [gitleaks, detect] }\nruntime:\n',
      'run: [gitleaks, detect] }\n  strategy: shadow\n  shadow: { unintendedShareMax: 0 }\nruntime:\n  traffic: haproxy\n',
    ],
    at: 'haproxy',
    words: ['copies of requests'],
  },
  {
    rule: 'rungs-not-rising',
    change: ['deployment:\n', 'deployment:\n  canary: { rungs: [0.1, 0.05, 0.95] }\n'],
    at: '[0.1',
    words: ['do not rise'],
  },
  {
    rule: 'rungs-not-rising',
    change: ['deployment:\n', 'deployment:\n  canary: { rungs: [0.1, 1] }\n'],
    at: '[0.1',
    words: ['End at 0.95'],
  },
  {
    rule: 'shadow-cannot-prove',
    change: [
      'deployment:\n',
      'deployment:\n  strategy: shadow\n  shadow: { unintendedShareMax: 0.001, sampleMin: 1583 }\n',
    ],
    at: '1583',
    words: ['sampleMin: 2996'],
  },
  {
    rule: 'breaking-migration',
    adds: 'migrations: { folder: db, policy: breaking-allowed }\n',
    at: 'breaking-allowed',
    words: ['expand-contract'],
  },
  {
    rule: 'gate-without-command',
    change: ['{ id: unit, run: [npm, test] }', '{ id: unit }'],
    at: '{ id: unit }',
    words: ['how the gate "unit" (command) is run', 'the pipeline of the kit stops every release'],
  },
  {
    rule: 'gate-without-command',
    change: ['{ id: unit, run: [npm, test] }', '{ id: unit, run: [npm, test] }\n    - { id: contract, kind: data }'],
    at: '{ id: contract',
    words: ['"contract" (data)'],
  },
  {
    rule: 'gate-without-command',
    change: [
      '{ id: secrets, kind: secrets, run: [gitleaks, detect] }',
      '{ id: secrets, kind: secrets, report: r.json }',
    ],
    at: '{ id: secrets',
    words: ['"secrets" (secrets)', 'the pipeline of the kit stops every release'],
  },
  {
    rule: 'question-open',
    adds: '# QUESTION peaks: When do most people come?\n#  QUESTION none: no\n  # QUESTION data.triggers: Which?\n',
    at: '# QUESTION peaks',
    words: ['2 questions of the draft are open: peaks (line', 'data.triggers'],
  },
  {
    rule: 'gates-missing',
    change: ['    - { id: accessibility, kind: accessibility, run: [npm, run, axe] }\n', ''],
    at: '- { id: unit',
    words: ['accessibility'],
  },
  {
    rule: 'no-fallback',
    adds: 'dependencies: [{ id: dvla, owner: DVLA, kind: API }]\n',
    at: '{ id: dvla',
    words: ['"appeal"', 'pay a fine'],
  },
  {
    rule: 'personal-data-without-retention',
    change: ['{ name: identity, retention: P1Y }', '{ name: identity }'],
    at: '{ name: identity }',
    words: ['how long'],
  },
  { rule: 'dpia-missing', change: ['  dpia: { triggers: [new recipient] }\n', ''], at: 'kinds', words: ['identity'] },
  {
    rule: 'source-of-nothing',
    adds: 'sources: [{ about: journeys.apply.demand, kind: assumption, says: guess }]\n',
    at: 'journeys.apply',
    words: ['not a value'],
  },
]

for (const [i, { rule, change, adds, at, words }] of CASES.entries()) {
  test(`finds ${rule} (${i + 1})`, () => {
    let text = SMALL
    if (change) {
      assert.ok(text.includes(change[0]), `the small definition has "${change[0]}"`)
      text = text.replace(change[0], change[1])
    }
    if (rule === 'page-outside-cover')
      text = text.replace('cover: always', 'cover: [{ days: working-days, local: "07:00-19:00" }]')
    text += adds ?? ''
    const { findings } = loadService(text, 'service.yaml')
    const found = findings.find((finding) => finding.rule === rule)
    assert.ok(
      found,
      `${rule} among ${findings.map((finding) => `${finding.rule}: ${finding.says}`).join(' | ') || 'nothing'}`,
    )
    const line = text
      .split('\n')
      .slice(found.line - 1)
      .join('\n')
    assert.ok(
      line.slice(found.col - 1).startsWith(at),
      `points at "${line.slice(found.col - 1, found.col + 30)}", wanted "${at}"`,
    )
    for (const word of words)
      assert.ok(`${found.says} ${found.fix}`.includes(word), `"${found.says} ${found.fix}" says "${word}"`)
    assert.ok(found.harm.length > 20 && found.cites.length > 0)
  })
}

test('every rule of the catalogue has a case', () => {
  // What takes two changes at once has a test of its own.
  const tried = new Set([...CASES.map((each) => each.rule), 'approvals-impossible'])
  assert.deepEqual(
    DEFINE_RULES.map((rule) => rule.id).filter((id) => !tried.has(id)),
    [],
  )
})

test('all findings come back at once, in the order of the file', () => {
  const text = SMALL.replace('limitMs: 4000', 'limitMS: 4000')
    .replace('"0808 157 0199"', '42')
    .replace('journeys: [appeal]', 'journeys: [apeal]')
    .replace('P1Y', '1 year')
  const { service, findings } = loadService(text, 'service.yaml')
  assert.equal(service, undefined)
  assert.deepEqual(
    findings.map((finding) => finding.rule),
    ['unknown-key', 'bad-format', 'wrong-type'],
  )
  assert.deepEqual(
    findings.map((finding) => finding.line),
    findings.map((finding) => finding.line).toSorted((a, b) => a - b),
  )
})
