/**
 * The review after an incident: what the log knows is written in, what only people know is asked. Without an incident it is the
 * template that the kit keeps ready. Roles, never names: accounts of people are left out, and stay in the log.
 */
import type { Service } from '../define/schema.ts'
import { lower, modesOf, runbookPath } from '../kit/source.ts'
import { durationOf, type Instant, londonOf, MINUTE } from '../time.ts'
import { plural } from '../words.ts'
import type { IncidentState, IncidentTimes } from './state.ts'
import { HOLDFAST } from './turn.ts'

/** The moments a review asks for, in the order in which they should have come. */
const MOMENTS: readonly { readonly name: string; readonly of: keyof IncidentTimes }[] = [
  { name: 'fault began', of: 'faultStarted' },
  { name: 'noticed', of: 'detected' },
  { name: 'first page', of: 'paged' },
  { name: 'acknowledged', of: 'acked' },
  { name: 'declared', of: 'declared' },
  { name: 'first public words', of: 'firstPublished' },
  { name: 'mitigated', of: 'mitigated' },
  { name: 'resolved', of: 'resolved' },
]

/** What the log cannot know or what does not fit together: questions for the people in the room. */
export interface Review {
  readonly text: string
  readonly gaps: readonly string[]
}

/** The review of an incident, or with `incident` left out the template for the next one. */
export function reviewOf(service: Service, incident?: IncidentState): Review {
  const gaps = incident ? gapsOf(incident) : []
  const name = `"${service.service.name}"`
  return {
    gaps,
    text: [
      incident ? `# Review of ${incident.id}, an incident of ${name}` : `# Review of an incident of ${name}`,
      '',
      `Within ${service.respond.reviewWorkingDays} working days. Times, pages, decisions and steps come from the log (\`holdfast respond review\`); people add what the log cannot know. Roles, not names.`,
      ...(gaps.length > 0 ? ['', '## Ask first', '', ...gaps.map((gap) => `- ${gap}`)] : []),
      '',
      '## What happened to citizens',
      '',
      ...(incident ? harmLines(incident) : []),
      ...service.journeys
        .filter(({ id }) => !incident?.journey || incident.journey === id)
        .map(
          (journey) =>
            `- ${journey.name}: how many failed, gave up, came back? Was anybody harmed so that ${lower(journey.harmIfFails)}?`,
        ),
      incident ? noticedLine(incident) : '',
      `- Who noticed first: a synthetic journey, an objective, staff or a citizen? How many minutes before the first complaint? (Budget: ${service.harmBudget.citizens} citizens.)`,
      '',
      '## When',
      '',
      '| moment | time (London) | source |',
      '|---|---|---|',
      ...MOMENTS.map((moment) => momentRow(moment, incident)),
      ...(incident ? ['', ...timelineLines(incident)] : []),
      '',
      '## Which failure mode was it?',
      '',
      ...modesOf(service).map((mode) => {
        const opened = incident?.runbook?.id === mode.id ? 'it was opened; ' : ''
        return `- [ ] ${mode.name} (runbook \`${runbookPath(mode)}\`: ${opened}which step did not fit?)`
      }),
      '- [ ] None of these: should it replace one of the five?',
      ...(incident ? runbookLines(incident) : []),
      '',
      '## Several causes, never one',
      '',
      'Change · capacity · dependency · detection · runbook · communication · staffing: what made each possible, and what made it worse?',
      ...service.dependencies.map((dependency) => `- ${dependency.id}: part of it?`),
      '',
      '## Actions',
      '',
      '| action | role | by | closed by which check or drill |',
      '|---|---|---|---|',
      '',
      'An action is closed when its check or drill passes, not when somebody says so.',
      ...(service.data.breach
        ? [
            '',
            '## Personal data',
            '',
            `Was data lost, seen, or out of reach? The ${service.data.breach.hours} hours run from ${service.data.breach.starts}; ${service.data.breach.dpo} decides${service.data.breach.by ? `, ${service.data.breach.by} tells the regulator` : ''}.`,
          ]
        : []),
    ]
      .filter((line, i, all) => line !== '' || all[i - 1] !== '')
      .join('\n'),
  }
}

function harmLines(incident: IncidentState): string[] {
  const { times, severity, severityRule, harmed, says } = incident
  const until = times.mitigated ?? times.resolved
  const lasted =
    until === null ? 'and the harm was not said to have ended' : `for ${durationOf(until - times.faultStarted)}`
  return [
    `${says.replace(/\.?$/, '.')} ${plural(harmed, 'citizen')} known to be harmed, from ${londonOf(times.faultStarted)} ${lasted}. ${severity}: ${severityRule}`,
    '',
  ]
}

function noticedLine({ trigger, times }: IncidentState): string {
  const by = { deployment: 'by the deployment itself', slo: 'by an objective', person: 'by a person' }[trigger.kind]
  return `- The log says: noticed ${by}, ${durationOf(Math.max(0, times.detected - times.faultStarted))} after it began.`
}

function momentRow({ name, of }: (typeof MOMENTS)[number], incident: IncidentState | undefined): string {
  const at = incident?.times[of] ?? null
  if (at === null) return `| ${name} | ${incident ? 'not in the log' : ''} | log |`
  const after = at - incident!.times.faultStarted
  return `| ${name} | ${londonOf(at)}${after > 0 ? `, ${durationOf(after)} after it began` : ''} | log |`
}

function timelineLines(incident: IncidentState): string[] {
  const people = peopleIn(incident)
  return [
    '| time (London) | who | what |',
    '|---|---|---|',
    ...incident.timeline.map(
      ({ at, who, says }) =>
        `| ${londonOf(at)} | ${who === HOLDFAST ? 'Holdfast' : 'a person'} | ${cellOf(withoutNames(says, people))} |`,
    ),
    ...(incident.timelineDropped > 0
      ? [
          '',
          `${plural(incident.timelineDropped, 'line')} more stand in the log: holdfast prove log --about ${incident.id}`,
        ]
      : []),
    '',
    ...incident.pages.map(
      ({ about, role, route, status, dueAt }) =>
        `- Page ${about === 'incident' ? 'about the incident' : 'about an update that was due'} to the ${role} by ${route}, ${londonOf(dueAt)}: ${status}.`,
    ),
    ...incident.comms.drafts.map(
      ({ audience, stage, channel, status, version, publishedAt }) =>
        `- Words for ${audience}, ${stage}, version ${version}, on ${channel}: ${status}${publishedAt === null ? '' : ` at ${londonOf(publishedAt)}`}.`,
    ),
  ]
}

function runbookLines(incident: IncidentState): string[] {
  const { runbook } = incident
  const people = peopleIn(incident)
  if (!runbook) return ['', 'No runbook was opened: was there none that fits?']
  return [
    '',
    `Steps of the runbook "${runbook.id}":`,
    ...runbook.progress.map(
      ({ step, result, at, says }) =>
        `- ${step}: ${result}, ${londonOf(at)}${says ? `; seen: ${withoutNames(says, people).replaceAll('\n', ' ')}` : ''}`,
    ),
    ...(runbook.progress.length === 0 ? ['- none was written down'] : []),
  ]
}

function peopleIn({ timeline, runbook }: IncidentState): string[] {
  const names = [...timeline.map(({ who }) => who), ...(runbook?.progress ?? []).map(({ who }) => who)]
  return [...new Set(names)].filter((who) => who !== HOLDFAST && who.length > 1)
}

/** Accounts of people become "a person": a review is about what made it possible, not about who was there. */
function withoutNames(text: string, people: readonly string[]): string {
  return people.reduce((left, who) => left.replaceAll(who, 'a person'), text)
}

function cellOf(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** What does not fit together, and what nobody wrote down. */
function gapsOf(incident: IncidentState): string[] {
  const { times, timeline, comms, runbook, pages } = incident
  const gaps: string[] = []
  let last: { readonly name: string; readonly at: Instant } | undefined
  for (const { name, of } of MOMENTS.slice(0, 4)) {
    const at = times[of]
    if (at === null) continue
    if (last && at < last.at)
      gaps.push(`"${name}" (${londonOf(at)}) comes before "${last.name}" (${londonOf(last.at)}): which is right?`)
    last = { name, at }
  }
  if (times.acked === null) gaps.push('Nobody acknowledged it. Who had it?')
  if (times.mitigated === null) gaps.push('Nobody wrote down when citizens were safe again.')
  if (times.resolved === null) gaps.push('It is not resolved in the log.')
  if (times.firstPublished === null && comms.audiences.length > 0)
    gaps.push('No public words went out. Should there have been some?')
  if (runbook && runbook.progress.length === 0) gaps.push('No step of the runbook was written down. Was it followed?')
  for (const { step, result } of runbook?.progress ?? [])
    if (result === 'failed' || result === 'skipped')
      gaps.push(
        `Step ${step} was ${result === 'failed' ? 'not what it should be' : 'skipped'}: what must change in the runbook?`,
      )
  const failed = pages.filter(
    ({ status }) => status === 'failed' || status === 'unknown' || status === 'expired',
  ).length
  if (failed > 0) gaps.push(`${plural(failed, 'page')} did not surely arrive. Why?`)
  if (timeline.some(({ kind }) => kind === 'break-glass'))
    gaps.push('The glass was broken. Was the reason good, and who looked at it afterwards?')
  if (times.acked !== null && times.paged !== null && times.acked - times.paged > 15 * MINUTE)
    gaps.push(`It took ${durationOf(times.acked - times.paged)} from the first page to an answer.`)
  return gaps
}
