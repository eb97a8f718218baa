/**
 * What we tell people. One record of facts gives the words for every audience and stage, so that citizens, front-line staff and the
 * minister's office never read different stories. Nothing here publishes anything: a person approves the words first.
 */
import { type Instant, MINUTE } from '../time.ts'
import { plural } from '../words.ts'

export type Audience = 'citizens' | 'front-line' | 'minister'
export type Stage = 'investigating' | 'identified' | 'monitoring' | 'resolved'
export const STAGES: readonly Stage[] = ['investigating', 'identified', 'monitoring', 'resolved']

/** The facts, in citizens' words. Absent facts are null and their sentence is left out, or the lint asks for it. */
export type CommsFacts = {
  /** The service's public name: "Apply for a cold weather heating payment". */
  readonly serviceName: string
  /** What cannot be done, after "you cannot": "send your application". */
  readonly cannot: string
  /** Who is affected: "people applying online". */
  readonly who: string
  readonly sinceAt: Instant
  /** What to do instead, a full sentence: "Call 0800 000 0000, Monday to Friday, 8am to 6pm." */
  readonly instead: string | null
  /** What happened to answers already given, a full sentence: "Answers you have already given are saved." */
  readonly answers: string | null
  /** A cause that citizens understand, a full sentence; null until it is known. */
  readonly cause: string | null
  readonly harmed: number
  readonly nextUpdateAt: Instant | null
  readonly endedAt: Instant | null
}

export type Draft = {
  /** "citizens-investigating". */
  readonly id: string
  readonly audience: Audience
  readonly channel: string
  readonly stage: Stage
  readonly title: string
  readonly text: string
  /** Rises with every change of words. An approval names the version it has read. */
  readonly version: number
  readonly writtenBy: string
  readonly status: 'draft' | 'approved' | 'published' | 'failed'
  readonly approvedBy: string | null
  readonly publishedAt: Instant | null
}

/** The words for one audience at one stage. */
export function draftOf(facts: CommsFacts, audience: Audience, stage: Stage): { title: string; text: string } {
  const lines =
    audience === 'citizens'
      ? citizenLines(facts, stage)
      : audience === 'front-line'
        ? staffLines(facts, stage)
        : ministerLines(facts, stage)
  return { title: titleOf(facts, stage), text: lines.filter((line) => line !== null).join('\n\n') }
}

function titleOf(facts: CommsFacts, stage: Stage): string {
  return stage === 'resolved' ? `${facts.serviceName}: working again` : `${facts.serviceName}: there is a problem`
}

function citizenLines(facts: CommsFacts, stage: Stage): (string | null)[] {
  const next = facts.nextUpdateAt === null ? null : `We will update this page by ${citizenTime(facts.nextUpdateAt)}.`
  const since = citizenTime(facts.sinceAt)
  switch (stage) {
    case 'investigating':
      return [
        `You may not be able to ${facts.cannot}. Some ${facts.who} have had this problem since ${since}.`,
        'We are finding out why.',
        facts.answers,
        facts.instead,
        next,
      ]
    case 'identified':
      return [
        `You may not be able to ${facts.cannot}. Some ${facts.who} have had this problem since ${since}.`,
        facts.cause ?? 'We know what is wrong and are putting it right.',
        facts.answers,
        facts.instead,
        next,
      ]
    case 'monitoring':
      return [
        `You can ${facts.cannot} again. Some ${facts.who} could not ${spanOf(facts)}.`,
        'We are checking that it stays that way.',
        facts.answers,
        facts.instead,
        next,
      ]
    case 'resolved':
      return [
        `You can ${facts.cannot} again. Some ${facts.who} could not ${spanOf(facts)}.`,
        'We are sorry for the trouble this caused.',
        facts.answers,
        facts.instead,
      ]
  }
}

function staffLines(facts: CommsFacts, stage: Stage): (string | null)[] {
  const over = stage === 'monitoring' || stage === 'resolved'
  const who = facts.harmed > 0 ? `${plural(facts.harmed, 'person', 'people')} so far` : 'some people'
  return [
    over
      ? `People can ${theirs(facts)} again. It did not work ${spanOf(facts)}, for ${who}.`
      : `Since ${citizenTime(facts.sinceAt)} ${who} could not ${theirs(facts)}.`,
    over
      ? 'If somebody calls: ask them to try again, and stay on the line until it worked.'
      : 'If somebody calls: say that we know, and that we are sorry.',
    facts.answers === null ? null : `Say: "${facts.answers}"`,
    facts.instead === null ? null : `Instead: ${facts.instead}`,
    facts.nextUpdateAt === null || stage === 'resolved'
      ? null
      : `You will hear from us again by ${citizenTime(facts.nextUpdateAt)}.`,
  ]
}

function ministerLines(facts: CommsFacts, stage: Stage): (string | null)[] {
  const over = stage === 'monitoring' || stage === 'resolved'
  const who = facts.harmed > 0 ? plural(facts.harmed, 'person', 'people') : 'An unknown number of people'
  return [
    `${facts.serviceName}: ${who} could not ${theirs(facts)} ${over ? spanOf(facts) : `since ${citizenTime(facts.sinceAt)}`}.`,
    over ? 'The service works again.' : 'The team is working on it.',
    facts.cause,
    facts.instead === null ? null : `People are told: ${facts.instead}`,
    facts.nextUpdateAt === null || stage === 'resolved' ? null : `Next update by ${citizenTime(facts.nextUpdateAt)}.`,
  ]
}

/** About citizens instead of to them: "send their application". */
function theirs(facts: CommsFacts): string {
  return facts.cannot.replace(/\byour\b/g, 'their')
}

/** "from 3:02am to 3:20am on Monday 23 November"; the day is said once when it is one. */
function spanOf(facts: CommsFacts): string {
  const since = citizenTime(facts.sinceAt)
  if (facts.endedAt === null) return `from ${since}`
  const ended = citizenTime(facts.endedAt)
  const [time, day] = since.split(' on ')
  return ended.endsWith(` on ${day}`) ? `from ${time} to ${ended}` : `from ${since} to ${ended}`
}

const clockTime = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  hour: 'numeric',
  minute: '2-digit',
  hour12: true,
})
const dayName = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  weekday: 'long',
  day: 'numeric',
  month: 'long',
})

/** "3:02am on Monday 23 November", as the GOV.UK style guide writes times. Midnight is "11:59pm", because "midnight" is read as either day. */
export function citizenTime(at: Instant): string {
  const minute = Math.floor(at / MINUTE) * MINUTE
  const said = clockTime.format(minute).replace(/\s/g, '').toLowerCase()
  const midnight = said === '12:00am' || said === '0:00am'
  const shown = midnight ? minute - MINUTE : minute
  const time = midnight
    ? '11:59pm'
    : said === '12:00pm' || said === '0:00pm'
      ? 'midday'
      : said.replace(/^0:/, '12:').replace(':00', '')
  return `${time} on ${dayName.format(shown).replace(',', '')}`
}

/** Something wrong with words that are about to be read by people outside. Errors stop the approval. */
export interface WordingFinding {
  readonly severity: 'error' | 'warn'
  readonly says: string
  readonly fix: string
}

// Words that mean something only inside, each with what to say instead. Sources: facts of GOV.UK style guide and the service manual
// ("technical difficulties", "maintenance" and "improvements" say nothing about what a person cannot do).
const JARGON: readonly (readonly [RegExp, string])[] = [
  [/\btechnical (difficult(y|ies)|issues?|problems?)\b/i, 'Say what people cannot do.'],
  [/\b(maintenance|improvements?|upgrade)\b/i, 'Say what people cannot do, and when they can.'],
  [/\b(outage|degraded?|degradation|downtime|latency|intermittent)\b/i, 'Say what people cannot do.'],
  [
    /\b(deploy(ment|ed)?|roll(ed)?[ -]?back|release \d+|canary|backend|server|database|api|http|endpoint|cluster|pipeline)\b/i,
    'Leave the inside out.',
  ],
  [/\b(5\d\d|4\d\d) errors?\b/i, 'Say what people see.'],
  [/\bmidnight\b/i, 'Write 11:59pm: midnight is read as either day.'],
  [/\b(inconvenience)\b/i, 'Write "We are sorry".'],
  [/\b(ASAP|in due course|shortly)\b/i, 'Give a time.'],
  [/\b[rv]\d+(\.\d+)*\b/, 'Leave version numbers out.'],
]
const NAMES_A_PERSON = /[\w.+-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63}){1,5}|\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b/

/** What a careful editor would say about these words. `internalNames` are never to be read outside. */
export function lintWording(
  draft: { readonly audience: Audience; readonly stage: Stage; readonly text: string },
  internalNames: readonly string[] = [],
): WordingFinding[] {
  const { audience, stage } = draft
  const text = draft.text.slice(0, 10_000)
  const found: WordingFinding[] = []
  const add = (severity: 'error' | 'warn', says: string, fix: string) => found.push({ severity, says, fix })
  if (text.trim().length < 40)
    add('error', 'There is almost nothing to read.', 'Say what fails, for whom and since when.')
  if (/\[[^\]\n]{0,80}\]|\bTB[CD]\b|\{\{|\bTODO\b/i.test(text))
    add('error', 'A placeholder is not filled in.', 'Fill it in, or take its sentence out.')
  if (NAMES_A_PERSON.test(text))
    add('error', 'There may be personal data in it.', 'Take out addresses and National Insurance numbers.')
  for (const name of internalNames) {
    if (name.length > 2 && text.toLowerCase().includes(name.toLowerCase())) {
      add('error', `"${name}" is an internal name.`, 'Use the words citizens use.')
    }
  }
  if (audience === 'citizens') {
    for (const [pattern, fix] of JARGON) {
      const hit = pattern.exec(text)
      if (hit) add('error', `"${hit[0]}" says nothing to a citizen.`, fix)
    }
  }
  if (!/\b\d{1,2}(:\d{2})?(am|pm)\b|\bmidday\b/.test(text))
    add('error', 'It does not say since when.', 'Give a time and a day.')
  if (audience === 'citizens') addCitizenNeeds(text, stage, add)
  for (const sentence of text.split(/[.!?]\s/)) {
    if (sentence.split(/\s+/).length > 25)
      add('warn', `A sentence is longer than 25 words: "${sentence.slice(0, 60).trim()}…"`, 'Split it.')
  }
  return found
}

function addCitizenNeeds(
  text: string,
  stage: Stage,
  add: (severity: 'error' | 'warn', says: string, fix: string) => void,
): void {
  if (!/\b(cannot|could not|not (been |be )?able to|not working)\b/i.test(text))
    add('error', 'It does not say what people cannot do.', 'Start with it.')
  if (!/\b(call|phone|post|write|email|try again|by paper|visit|deadline)\b/i.test(text)) {
    add(
      'warn',
      'It does not say what to do instead.',
      'Give a phone number with hours, another way, or a later deadline.',
    )
  }
  if (!/\banswers?\b|\bapplications?\b.{0,60}\b(saved|received|safe)\b/i.test(text)) {
    add('warn', 'It does not say what happened to answers already given.', 'Say whether they are kept.')
  }
  if (stage !== 'resolved' && !/\b(update|hear from us)\b/i.test(text))
    add('error', 'It does not say when the next update comes.', 'Give a time.')
}
