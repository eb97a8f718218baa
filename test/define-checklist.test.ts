/**
 * Everything that five very different services must be able to say (the list that closes the analysis of the five example services), each
 * with the field that says it and an example that really uses it. A field nobody uses, or a need without a field, fails here.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { fields } from '../src/core/define/fields.ts'
import { loadService } from '../src/core/define/load.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = readdirSync(`${root}examples`).filter((folder) => existsSync(`${root}examples/${folder}/service.yaml`))
const texts = new Map(folders.map((folder) => [folder, readFileSync(`${root}examples/${folder}/service.yaml`, 'utf8')]))
const values = new Map([...texts].map(([folder, text]) => [folder, parse(text) as unknown]))

const DOCUMENTS = 'renewal-documents'
const DASHBOARD = 'performance-dashboard'
const ENQUIRIES = 'enquiries'
const QUESTIONS = 'pq-tracker'
const BENEFITS = 'benefit-assessment'
const HEATING = 'heating-payment'

/** `path` or `path=value`; all must be used by the example. */
type Row = readonly [item: string, example: string, ...paths: string[]]

const CHECKLIST: readonly Row[] = [
  [
    '1 a name for citizens apart from the component, and languages',
    DOCUMENTS,
    'service.name',
    'service.internalName',
    'service.languages[]=cy',
  ],
  ['2 harm class for each journey, and in words', ENQUIRIES, 'journeys[].harmClass=safety', 'journeys[].harmIfFails'],
  [
    '3 severity floor free of volume, rising by date or peak',
    DOCUMENTS,
    'journeys[].severityFloor',
    'journeys[].severityRises.when[]',
    'failureModes[].severityFloor=P1',
  ],
  [
    '4 tolerance: recovery, first harm, loss',
    DOCUMENTS,
    'journeys[].tolerance.recoverMinutes',
    'journeys[].tolerance.harmAfterMinutes',
    'journeys[].tolerance.dataLossMinutes',
  ],
  ['4 tolerance: wrong apart from absent', DASHBOARD, 'journeys[].tolerance.wrongMinutes'],
  ['5 fail mode: closed to a person', BENEFITS, 'journeys[].failMode=closed-to-a-person'],
  [
    '6 steps with limits, session, idempotency and assertions',
    DOCUMENTS,
    'journeys[].steps[].limitMs',
    'journeys[].steps[].sessionMinutes',
    'journeys[].steps[].idempotencyKey',
    'journeys[].steps[].asserts[]',
  ],
  [
    '7 a journey that ends in a file with a contract',
    DOCUMENTS,
    'journeys[].endsIn.type',
    'journeys[].endsIn.contract[]',
    'journeys[].endsIn.golden.compare=structure',
  ],
  ['8 done by a time', QUESTIONS, 'journeys[].doneBy.local', 'journeys[].doneBy.days'],
  [
    '8 a legal clock computed from facts',
    QUESTIONS,
    'journeys[].legalClock.from[]',
    'journeys[].legalClock.rules[]',
    'deadlines[].says',
  ],
  [
    '9 performance budget with the network in numbers',
    DASHBOARD,
    'journeys[].budget.kbitPerSecond',
    'journeys[].budget.rttMs',
    'journeys[].budget.criticalBytes',
    'journeys[].budget.worksWithoutScript',
  ],
  ['10 ranked failure modes; others deferred with a reason', DOCUMENTS, 'failureModes[].rank', 'deferred[].why'],
  ['11 silent failures', ENQUIRIES, 'failureModes[].silent'],
  ['12 detectors: ratio', DOCUMENTS, 'failureModes[].detect.kind=ratio'],
  ['12 detectors: latency', HEATING, 'failureModes[].detect.kind=latency'],
  ['12 detectors: saturation', DOCUMENTS, 'failureModes[].detect.kind=saturation'],
  ['12 detectors: freshness', ENQUIRIES, 'failureModes[].detect.kind=freshness'],
  ['12 detectors: reconciliation', DOCUMENTS, 'failureModes[].detect.kind=reconciliation'],
  ['12 detectors: invariant', DOCUMENTS, 'failureModes[].detect.kind=invariant'],
  ['12 detectors: by time', BENEFITS, 'failureModes[].detect.kind=by-time'],
  ['12 detectors: age of a state', QUESTIONS, 'failureModes[].detect.kind=state-age'],
  ['12 detectors: oracle', QUESTIONS, 'failureModes[].detect.kind=oracle'],
  ['12 detectors: distribution', DASHBOARD, 'failureModes[].detect.kind=distribution'],
  ['12 detectors: demand', ENQUIRIES, 'failureModes[].detect.kind=demand'],
  ['12 detectors: difference in the shadow', BENEFITS, 'failureModes[].detect.kind=shadow-difference'],
  ['12 detectors: drill', BENEFITS, 'failureModes[].detect.kind=drill'],
  ['12 detectors: gate', DOCUMENTS, 'failureModes[].detect.gate', 'failureModes[].detect.live'],
  ['13 confirming apart from detecting', DOCUMENTS, 'failureModes[].confirm[].says', 'failureModes[].confirm[].ifNot'],
  [
    '14 first and further actions, undo, who may',
    BENEFITS,
    'failureModes[].act.first',
    'failureModes[].act.then[]',
    'failureModes[].act.undo',
    'failureModes[].act.persons=2',
  ],
  ['15 degraded service and when it ends', DOCUMENTS, 'failureModes[].degrade', 'failureModes[].degradeUntil'],
  [
    '16 clocks outside, with start rule and owner',
    ENQUIRIES,
    'failureModes[].outsideClock.hours=72',
    'failureModes[].outsideClock.starts',
    'failureModes[].outsideClock.owner',
  ],
  ['17 peaks by recurrence, with a multiplier', DOCUMENTS, 'peaks[].rrule', 'peaks[].times'],
  ['17 peaks by an event or offset from one', ENQUIRIES, 'peaks[].event'],
  [
    '17 peaks around the days of a calendar, and dates that somebody announced',
    BENEFITS,
    'peaks[].calendar',
    'peaks[].daysBefore',
    'calendars[].dates[]',
  ],
  [
    '18 calendars as data: source, owner, verify-by, fallback, unknown',
    QUESTIONS,
    'calendars[].source',
    'calendars[].owner',
    'calendars[].verifyEvery',
    'calendars[].fallback',
    'calendars[].mayBeUnknown',
  ],
  [
    '19 bank holidays of a division',
    BENEFITS,
    'calendars[].divisions[]=northern-ireland',
    'calendars[].divisions[]=scotland',
  ],
  ['19 sitting days', QUESTIONS, 'calendars[].id=sitting-days'],
  ['19 calendars of a tenant', ENQUIRIES, 'tenants.known[].peaks[]'],
  ['20 freeze scope and exceptions', BENEFITS, 'peaks[].freeze', 'peaks[].except[]'],
  [
    '20 veto with expiry, scope',
    ENQUIRIES,
    'deployment.windows.veto.by',
    'deployment.windows.veto.expiresDays=14',
    'peaks[].scope',
  ],
  [
    '20 break-glass with a reason',
    BENEFITS,
    'deployment.windows.emergency.approvers=2',
    'deployment.windows.emergency.reasonRequired=true',
  ],
  ['21 deadline wording', DOCUMENTS, 'peaks[].say'],
  [
    '22 dependencies: owner, contact, fallback',
    DOCUMENTS,
    'dependencies[].owner',
    'dependencies[].contact',
    'dependencies[].fallback',
    'dependencies[].fallbackHours',
  ],
  ['22 dependencies: cut-off and resending', BENEFITS, 'dependencies[].cutOff', 'dependencies[].resendMinutes'],
  ['22 dependencies: lateness', DASHBOARD, 'dependencies[].lateAfter'],
  ['22 dependencies: bulkhead', ENQUIRIES, 'dependencies[].bulkhead'],
  ['23 a dependency that only triggers', ENQUIRIES, 'dependencies[].triggerOnly'],
  [
    '24 special category assumed, retention, classification',
    ENQUIRIES,
    'data.kinds[].special=assume-yes',
    'data.kinds[].retention',
  ],
  ['24 classification', DOCUMENTS, 'data.classification=OFFICIAL-SENSITIVE'],
  ['24 embargo', DASHBOARD, 'data.embargo'],
  [
    '25 triggers of an impact assessment; processor of several controllers',
    ENQUIRIES,
    'data.dpia.triggers[]',
    'data.dpia.per=tenant',
    'data.role=processor',
    'data.controllers',
  ],
  [
    '26 automated decisions, equality groups',
    BENEFITS,
    'data.automatedDecisions.humanReview',
    'data.equality.watchBy[]',
    'data.equality.limitTimesAverage',
  ],
  ['27 disclosure control', DASHBOARD, 'data.disclosure.suppressBelow', 'data.disclosure.secondary'],
  [
    '28 components with request, job and drain limits and readiness checks',
    DOCUMENTS,
    'runtime.components[].requestSecondsMax',
    'runtime.components[].jobSecondsMax',
    'runtime.components[].drainSeconds',
    'runtime.components[].readyChecks[]',
  ],
  [
    '29 scheduled runs: London time, length, needs, otherwise page',
    QUESTIONS,
    'runtime.components[].schedule.local[]',
    'runtime.components[].schedule.typicalMinutes',
    'runtime.components[].schedule.needs',
    'runtime.components[].schedule.otherwise',
  ],
  ['30 migration policy and time-outs', ENQUIRIES, 'migrations.policy', 'migrations.lockTimeoutMs'],
  [
    '31 artefacts with version, rollback, minutes and approvals',
    BENEFITS,
    'artefacts[].version',
    'artefacts[].rollback',
    'artefacts[].rollbackMinutes',
    'artefacts[].approvals[]',
  ],
  ['32 work in flight keeps its version', DOCUMENTS, 'artefacts[].pinned'],
  [
    '33 two times; back as at a date',
    BENEFITS,
    'artefacts[].effectiveDating.validFrom',
    'artefacts[].effectiveDating.knownFrom',
    'artefacts[].rollback',
  ],
  [
    '34 a strategy for each artefact',
    DOCUMENTS,
    'deployment.byArtefact[].strategy=shadow',
    'deployment.byArtefact[].followedBy[]',
  ],
  ['34 sequences', BENEFITS, 'deployment.strategy=shadow', 'deployment.followedBy[]=blue-green'],
  [
    '35 cohorts by tenants or condition',
    ENQUIRIES,
    'deployment.canary.cohorts[].tenants[]',
    'deployment.canary.cohorts[].when',
  ],
  ['35 cohorts by percentage', DOCUMENTS, 'deployment.byArtefact[].canary.rungs[]'],
  [
    '36 holds by duration and evidence',
    ENQUIRIES,
    'deployment.canary.cohorts[].holdMinutes',
    'deployment.canary.cohorts[].evidence[].count',
    'deployment.canary.cohorts[].expectedMinutes',
  ],
  [
    '37 shadow: sample, tolerance, time',
    BENEFITS,
    'deployment.shadow.sampleMin',
    'deployment.shadow.minutesMin',
    'deployment.shadow.unintendedShareMax',
  ],
  ['38 manifest of intended differences', BENEFITS, 'deployment.shadow.intended', 'deployment.shadow.weigh'],
  ['39 gates of its own, with a number', DOCUMENTS, 'deployment.gates[].pass', 'deployment.gates[].catches[]'],
  [
    '40 rollback as a sum, triggers, drills',
    DOCUMENTS,
    'deployment.rollback.budget.detect',
    'deployment.rollback.automaticFor[]',
    'deployment.rollback.drillEveryDays',
  ],
  ['40 what happens to work done since', BENEFITS, 'deployment.rollback.workSince'],
  [
    '41 in flight: drafts, jobs, sessions',
    DOCUMENTS,
    'deployment.inFlight.drafts',
    'deployment.inFlight.jobs',
    'deployment.inFlight.sessions',
  ],
  ['41 in flight: open cases', ENQUIRIES, 'deployment.inFlight.cases'],
  ['42 windows of its own, core hours', QUESTIONS, 'slis[].window=parliamentary-session', 'slis[].coreHours.local'],
  ['43 none allowed, as a kind of its own', ENQUIRIES, 'slis[].kind=invariant', 'slis[].counts'],
  [
    '44 thresholds from the data of a tenant, a dimension',
    ENQUIRIES,
    'slis[].ageFromTenant',
    'slis[].per=tenant',
    'tenants.known[].promiseHours',
  ],
  ['45 shown but never paging', ENQUIRIES, 'slis[].pages=false', 'slis[].why'],
  [
    '46 harm budget for each kind of harm, contact rate with its source',
    ENQUIRIES,
    'harmBudget.kinds[].beforePage',
    'harmBudget.contactRate',
    'harmBudget.contactSource',
  ],
  [
    '47 demand by hour or by day, peak and night',
    DOCUMENTS,
    'journeys[].demand.normalPerMinute',
    'journeys[].demand.peakPerMinute',
    'journeys[].demand.nightPerMinute',
  ],
  ['17 peaks that follow something by a number of days', DOCUMENTS, 'peaks[].follows', 'peaks[].days[]'],
  ['47 demand by the hour', DASHBOARD, 'journeys[].demand.byHour[]'],
  ['48 page times against cover', QUESTIONS, 'failureModes[].detect.pageAt[]', 'oncall.cover[].local'],
  ['49 heartbeats whose silence is a failure', DOCUMENTS, 'watch.silence[].withinMinutes'],
  [
    '50 audiences, channels, who may speak, what must be said',
    ENQUIRIES,
    'comms.audiences[].channels[]',
    'comms.audiences[].withinMinutes',
    'comms.mustSay[]',
    'comms.speakers[].who',
  ],
  ['50 languages of an audience', DOCUMENTS, 'comms.audiences[].languages[]=cy'],
  [
    '51 messages to a computed list, counted, sent by two',
    BENEFITS,
    'comms.affectedList.from',
    'comms.affectedList.check',
    'comms.affectedList.sendBy',
  ],
  ['52 correction notices kept', DASHBOARD, 'comms.correction.where', 'comms.correction.keep'],
  ['52 scheduled messages that become false', HEATING, 'comms.scheduled[].falseWhen'],
  ['53 cover by calendar', QUESTIONS, 'oncall.cover[].days=sitting-days', 'oncall.outOfHours'],
  ['53 extra roles on dates', BENEFITS, 'oncall.extra[].peak', 'oncall.extra[].role'],
  ['53 assisted digital', DOCUMENTS, 'service.assistedDigital.phone'],
  [
    '54 where a value comes from, and what would replace it',
    DOCUMENTS,
    'sources[].kind=assumption',
    'sources[].replaceWith',
  ],
  ['54 given and public values', BENEFITS, 'sources[].kind=given', 'sources[].kind=public'],
]

/** Every value at a path such as `journeys[].steps[].limitMs`. */
function at(value: unknown, path: string): unknown[] {
  let found: unknown[] = [value]
  for (const part of path.split('.')) {
    const name = part.replace(/(\[\])+$/, '')
    found = found.flatMap((each) => {
      const inner = each !== null && typeof each === 'object' ? (each as Record<string, unknown>)[name] : undefined
      if (inner === undefined) return []
      return part.endsWith('[]') ? (Array.isArray(inner) ? inner : []) : [inner]
    })
  }
  return found
}

test('every need of the five services has a field, and an example that uses it', () => {
  const gaps: string[] = []
  for (const [item, example, ...paths] of CHECKLIST)
    for (const written of paths) {
      const [path, wanted] = written.split('=') as [string, string | undefined]
      const field = path.replace(/\[\]$/, '')
      if (!fields().has(field) && !fields().has(field.replace(/\.[^.]+$/, '.*')))
        gaps.push(`${item}: there is no field ${field}`)
      const found = at(values.get(example), path)
      const used = wanted === undefined ? found.length > 0 : found.some((one) => String(one) === wanted)
      if (!used) gaps.push(`${item}: ${example} does not use ${written}`)
    }
  assert.deepEqual(gaps, [])
  const items = new Set(CHECKLIST.map(([item]) => Number(item.split(' ')[0])))
  assert.deepEqual(
    [...items],
    Array.from({ length: 54 }, (_, i) => i + 1),
    'no item is left out',
  )
})

test('the six definitions are right: nothing is found in any of them', () => {
  for (const folder of folders) assert.deepEqual(loadService(texts.get(folder)!, `${folder}/service.yaml`).findings, [])
  assert.equal(folders.length, 6)
})

test('fields that only open sections are still reached by some definition', () => {
  // A field that none of six very different services uses may be right, but somebody should have looked.
  const unused = [...fields().values()].filter(
    ({ path, type }) =>
      type !== 'section' &&
      !path.includes('byArtefact[].') &&
      !path.endsWith('.*') &&
      ![...values.values()].some((value) => at(value, path).length > 0),
  )
  assert.ok(
    unused.length <= fields().size * 0.25,
    `${unused.length} fields of ${fields().size} are used nowhere: ${unused.map(({ path }) => path).join(', ')}`,
  )
})
