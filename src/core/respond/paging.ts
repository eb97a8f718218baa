/**
 * Who is woken, by which route, and when the next one is.
 *
 * Places on the way, in order: every rung of the ladder, the whole ladder again as often as `repeats` says, then the fall-back
 * role three times. A page that failed, or whose answer was lost, moves on at once; one that was taken moves on when nobody
 * has acknowledged after the rung's time. Acknowledgement and sending are decided on the same state, so once an acknowledgement
 * has been taken no further page is wanted (`wanted`), even if the engine that should have sent it died in between.
 */
import type { Json } from '../json.ts'
import { durationOf, HOUR, type Instant, londonOf, MINUTE, SECOND } from '../time.ts'
import { orderOf } from './page.ts'
import type { IncidentState, Page, PageStatus, Rung } from './state.ts'
import { HOLDFAST, note, type Turn } from './turn.ts'

// A notifier answers within 15 s (its port's promise); twice that, and nobody is going to tell us any more.
export const SEND_MS_MAX = 30 * SECOND
// Escalating anything older needs a person: a queue that wakes up must not page about last week (grafana/oncall#3111).
export const PAGING_MS_MAX = 24 * HOUR
// An acknowledged incident in which nobody writes anything down for this long is paged again.
export const QUIET_MS_MAX = 30 * MINUTE
const FALLBACK_TRIES = 3
const RETRY_MS_MIN = 30 * SECOND
const RETRY_MS_MAX = 5 * MINUTE
const PAGES_KEPT = 40

/**
 * False once a page must not be sent any more: somebody has answered, or it was given up. The engine asks before it sends, with the
 * newest committed state, because a page decided before a crash may still lie in the outbox.
 */
export function wanted(state: IncidentState, page: string): boolean {
  return state.pages.some((known) => known.id === page && known.status === 'due')
}

/** Everything that is due now, and nothing that is not. */
export function pageWhatIsDue(turn: Turn): undefined {
  expireUnanswered(turn)
  resumeWhenQuiet(turn)
  const { paging, times, phase } = turn.state
  if (paging.phase !== 'climbing' || turn.now < paging.nextAt || newest(turn)?.status === 'due') return
  if (turn.now - times.opened > PAGING_MS_MAX) return giveUp(turn, 'it is older than a day')
  const rung = targetOf(turn.state, paging.position, paging.fruitless)
  if (!rung) {
    const why = phase === 'active' ? ', nor the fall-back role' : ', and citizens are safe again'
    return giveUp(turn, `nobody on the ladder answered${why}`)
  }
  const page = addPage(turn, rung, 'incident', paging.mayBeRepeat)
  turn.state = { ...turn.state, paging: { ...paging, nextAt: turn.now + rung.afterMs, mayBeRepeat: false } }
  note(turn, 'page.due', HOLDFAST, whyPaged(turn, rung, page), pageData(page))
}

/** What came of sending a page. A late answer about an older page is written down, and moves nothing. */
export function pageSettled(turn: Turn, id: string, status: PageStatus, says: string): undefined {
  const known = turn.state.pages.find((page) => page.id === id)
  if (!known) return note(turn, `page.${status}`, HOLDFAST, `An old page was ${status}: ${says}`, { page: id })
  if (known.status === status) return
  // Given up on and then not sent, as asked: the state already says why.
  if (status === 'suppressed' && known.status !== 'due') return
  setPage(turn, { ...known, status, settledAt: turn.now, says })
  if (status === 'accepted' && turn.state.times.paged === null) {
    turn.state = { ...turn.state, times: { ...turn.state.times, paged: turn.now } }
  }
  note(turn, `page.${status}`, HOLDFAST, whySettled(known, status, says), pageData({ ...known, status, says }))
  const { paging } = turn.state
  if (paging.phase !== 'climbing' || newest(turn)?.id !== id || known.status !== 'due') return
  if (status === 'accepted') {
    turn.state = { ...turn.state, paging: { ...paging, position: paging.position + 1, fruitless: 0 } }
  }
  if (status === 'failed' || status === 'unknown' || status === 'expired') tryElsewhere(turn, status !== 'failed')
}

/** Somebody answers. `page` is the page whose link was used, or null when they were signed in. */
export function acknowledge(turn: Turn, who: string, page: string | null): undefined {
  const { state, now } = turn
  const first = state.times.acked === null
  turn.state = {
    ...state,
    usedAcks: page === null ? state.usedAcks : [...state.usedAcks, page],
    times: { ...state.times, acked: state.times.acked ?? now },
    paging: { phase: 'held', by: who, at: now, until: now + QUIET_MS_MAX },
  }
  suppressDue(turn)
  const waited = durationOf(now - state.times.opened)
  const why = first
    ? `${who} took the incident ${waited} after it was opened. Nobody else is paged.`
    : `${who} took over the incident.`
  note(turn, 'incident.acked', who, why, { page })
}

/** A person did something: they are present, so the quiet time starts again. */
export function present(turn: Turn, who: string): undefined {
  const { paging } = turn.state
  if (paging.phase !== 'held' || who === HOLDFAST) return
  turn.state = { ...turn.state, paging: { ...paging, until: turn.now + QUIET_MS_MAX } }
}

/** Nothing is left to wake anybody for. */
export function stopPaging(turn: Turn): undefined {
  turn.state = { ...turn.state, paging: { phase: 'over' } }
  suppressDue(turn)
}

/** Pages the communications lead once about an update that is due soon. */
export function remindOfUpdate(turn: Turn, lead: Rung, dueAt: Instant): undefined {
  const page = addPage(turn, lead, 'update-due', false)
  note(
    turn,
    'page.due',
    HOLDFAST,
    `The ${lead.role} is told that a public update is due at ${londonOf(dueAt)}.`,
    pageData(page),
  )
}

/** When paging wants its next look; null: only when something happens. */
export function pagingWakeAt(turn: Turn): Instant | null {
  const { paging, pages } = turn.state
  const moments = pages.filter((page) => page.status === 'due').map((page) => page.dueAt + SEND_MS_MAX)
  if (paging.phase === 'climbing' && newest(turn)?.status !== 'due') moments.push(paging.nextAt)
  if (paging.phase === 'held' && turn.state.phase === 'active') moments.push(paging.until)
  return moments.length > 0 ? Math.min(...moments) : null
}

/**
 * Who is at this place on the way, or undefined past its end. After pages that did not arrive, it is whoever comes that many routes
 * later, in a ring of the ladder and the fall-back role: the place is only used up by a page that arrived.
 */
function targetOf(state: IncidentState, position: number, fruitless: number): Rung | undefined {
  const { ladder, fallback, repeats } = state
  const ring = [...ladder, fallback]
  const climb = ladder.length * (1 + repeats)
  const first = position < climb ? position % ladder.length : ladder.length
  if (fruitless > 0) return ring[(first + fruitless) % ring.length]
  // While citizens are safe again one round is enough, and nobody senior is woken unless there is nobody else.
  const places = state.phase === 'active' ? climb + FALLBACK_TRIES : Math.max(1, ladder.length)
  return position < places ? ring[first] : undefined
}

function newest(turn: Turn): Page | undefined {
  return turn.state.pages.findLast((page) => page.about === 'incident')
}

function addPage(turn: Turn, rung: Rung, about: Page['about'], mayBeRepeat: boolean): Page {
  const { state, now } = turn
  const pageCount = state.pageCount + 1
  const page: Page = {
    id: `${state.id}.page.${pageCount}`,
    about,
    role: rung.role,
    route: rung.route,
    to: rung.to,
    dueAt: now,
    status: 'due',
    settledAt: null,
    says: null,
    mayBeRepeat,
  }
  turn.state = { ...state, pageCount, pages: [...state.pages, page].slice(-PAGES_KEPT) }
  turn.effects.push({ id: page.id, kind: 'page.send', payload: orderOf(state, page, now) })
  return page
}

function setPage(turn: Turn, changed: Page): undefined {
  turn.state = { ...turn.state, pages: turn.state.pages.map((page) => (page.id === changed.id ? changed : page)) }
}

function suppressDue(turn: Turn): undefined {
  for (const page of turn.state.pages) {
    if (page.status === 'due' && page.about === 'incident') {
      setPage(turn, { ...page, status: 'suppressed', settledAt: turn.now, says: 'somebody had already answered' })
    }
  }
}

function expireUnanswered(turn: Turn): undefined {
  for (const page of turn.state.pages) {
    if (page.status !== 'due' || turn.now < page.dueAt + SEND_MS_MAX) continue
    pageSettled(turn, page.id, 'expired', `nothing was heard of it for ${durationOf(SEND_MS_MAX)}`)
  }
}

/** On to the next route at once; when every route has failed in a row, all of them again after a growing pause. */
function tryElsewhere(turn: Turn, mayHaveArrived: boolean): undefined {
  const { paging, ladder } = turn.state
  if (paging.phase !== 'climbing') return
  const fruitless = paging.fruitless + 1
  const rounds = fruitless / (ladder.length + 1)
  const pause = Number.isInteger(rounds) ? Math.min(RETRY_MS_MIN * 2 ** Math.min(rounds - 1, 10), RETRY_MS_MAX) : 0
  const nextAt = turn.now + pause
  if (pause > 0) {
    note(turn, 'page.no-route', HOLDFAST, `No route to anybody works. All are tried again at ${londonOf(nextAt)}.`)
  }
  const mayBeRepeat = paging.mayBeRepeat || mayHaveArrived
  turn.state = { ...turn.state, paging: { ...paging, fruitless, nextAt, mayBeRepeat } }
}

function resumeWhenQuiet(turn: Turn): undefined {
  const { paging, phase } = turn.state
  if (paging.phase !== 'held' || phase !== 'active' || turn.now < paging.until) return
  turn.state = {
    ...turn.state,
    paging: { phase: 'climbing', position: 0, nextAt: turn.now, fruitless: 0, mayBeRepeat: false },
  }
  const quiet = durationOf(QUIET_MS_MAX)
  note(
    turn,
    'page.resumed',
    HOLDFAST,
    `${paging.by} took the incident, but nothing was written down for ${quiet}. Paging again.`,
  )
}

function giveUp(turn: Turn, because: string): undefined {
  turn.state = { ...turn.state, paging: { phase: 'exhausted', since: turn.now } }
  note(turn, 'page.exhausted', HOLDFAST, `Paging stops because ${because}. The incident stays open and needs a person.`)
}

function whyPaged(turn: Turn, rung: Rung, page: Page): string {
  const { pages, paging } = turn.state
  const before = pages.findLast((earlier) => earlier.about === 'incident' && earlier.id !== page.id)
  const repeat = page.mayBeRepeat ? ' It may be a repeat.' : ''
  const how = `The ${rung.role} is paged by ${rung.route}`
  if (!before) return `${how}: ${turn.state.says}`
  if (before.status === 'failed')
    return `${how}, because the page to the ${before.role} by ${before.route} failed.${repeat}`
  if (before.status === 'unknown' || before.status === 'expired') {
    return `${how}, because it is not known whether the ${before.role} got theirs.${repeat}`
  }
  const again = paging.phase === 'climbing' && before.status === 'accepted'
  return again ? `${how}, because the ${before.role} has not answered.${repeat}` : `${how}.${repeat}`
}

function whySettled(page: Page, status: PageStatus, says: string): string {
  const which = `The page to the ${page.role} by ${page.route}`
  switch (status) {
    case 'accepted':
      return `${which} was taken by the next system.`
    case 'failed':
      return `${which} failed: ${says}`
    case 'unknown':
      return `${which} may or may not have arrived: ${says}`
    case 'expired':
      return `${which} is given up: ${says}.`
    case 'suppressed':
    case 'due':
      return `${which} was not sent: ${says}`
  }
}

function pageData(page: Page): Record<string, Json> {
  const { id, about, role, route, status, says, mayBeRepeat } = page
  // The address stays out of the log: the role says who, and an address is personal data.
  return { page: id, about, role, route, status, says, mayBeRepeat }
}
