/** The respond commands: what somebody who was woken types. Each prints what happened, in words, and what to do next. */

import { userInfo } from 'node:os'
import { EXIT, type ExitCode, OpsError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { lintWording } from '../../core/respond/comms.ts'
import { durationsOf } from '../../core/respond/incident.ts'
import { nextStep, parseRunbook, type Runbook } from '../../core/respond/runbook.ts'
import { nextText } from '../../core/respond/runbook-words.ts'
import { type IncidentState, SEVERITIES, type TimelineEvent } from '../../core/respond/state.ts'
import { durationOf, isoOf, londonOf } from '../../core/time.ts'
import { plural } from '../../core/words.ts'
import type { Store } from '../../ports/store.ts'
import type { Declaration } from '../../station/respond.ts'
import type { Call, Command, Option } from '../command.ts'

const BY: Option = {
  flags: '--by <name>',
  says: 'who you are, for the log (default: the account you are logged in as)',
}
const BECAUSE: Option = { flags: '--because <text>', says: 'why, in one sentence; it goes into the log' }
const EXITS = { 1: 'the request was not granted, and why is said', 3: 'the store cannot be reached' } as const

const list: Command = {
  name: 'respond list',
  says: 'Incidents that are open: since when, how many citizens, who has it, what is due.',
  example: 'holdfast respond list',
  options: [{ flags: '--all', says: 'closed ones too' }],
  exits: { 3: 'the store cannot be reached' },
  run: (call) =>
    withStore(call, async (store) => {
      const rows = await store.list({ kind: 'incident', limit: 200, ...(call.options.all ? {} : { done: false }) })
      const states = rows.map((row) => row.state as unknown as IncidentState)
      if (call.json) call.io.out(JSON.stringify({ incidents: states.map(summaryOf) }))
      else if (states.length === 0) call.io.out('No incident is open.')
      else {
        const now = await store.now()
        for (const state of states) call.io.out(linesOf(state, now).join('\n'))
      }
      return EXIT.done
    }),
}

const show: Command = {
  name: 'respond show',
  args: '[id]',
  says: 'One incident with everything that happened so far.',
  example: 'holdfast respond show',
  exits: { 1: 'there is no such incident', 3: 'the store cannot be reached' },
  run: (call) =>
    withStore(call, async (store) => {
      const state = await find(store, call.args[0])
      if (call.json) call.io.out(JSON.stringify({ ...summaryOf(state), timeline: state.timeline }))
      else call.io.out([...linesOf(state, await store.now()), '', ...state.timeline.map(eventLine)].join('\n'))
      return EXIT.done
    }),
}

const declare: Command = {
  name: 'respond declare',
  says: 'Opens an incident that you saw first, and wakes the people on call. Better once too often than too late.',
  example:
    'holdfast respond declare --journey apply --step submit --because "calls to the helpline." --impact "Citizens cannot submit."',
  options: [
    { flags: '--journey <id>', says: 'the journey that citizens cannot finish' },
    { flags: '--step <id>', says: 'the step they are stopped at' },
    BECAUSE,
    { flags: '--impact <text>', says: 'what citizens cannot do, in one sentence' },
    { flags: '--severity <P>', says: 'P1 to P4 (default: the floor of the journey)' },
    { flags: '--since <moment>', says: 'when it began, as 2026-11-23T03:02Z (default: now)' },
    { flags: '--harmed <n>', says: 'citizens known to be stopped', default: '0' },
    { flags: '--runbook <id>', says: 'the runbook to follow (default: the one for that step)' },
    BY,
  ],
  exits: { 3: 'the store cannot be reached' },
  async run(call) {
    const { declareIncident, putToIncident } = await import('../../station/respond.ts')
    const { readService } = await import('../../station/station.ts')
    const wish = declarationOf(call)
    const service = readService(call.service)
    return withStore(call, async (store) => {
      const id = await declareIncident(store, service, wish)
      const { because, impact, by } = wish
      const opened = await find(store, id)
      await putToIncident(store, opened, { name: 'declare', who: by, payload: { because, impact } })
      const says = await pagedOrNot(store, id)
      const state = await find(store, id)
      if (call.json)
        call.io.out(
          JSON.stringify({ ...summaryOf(state), pages: state.pages.map(({ role, status }) => ({ role, status })) }),
        )
      else call.io.out([...linesOf(state, await store.now()), says, `Next: holdfast respond ack ${id}`].join('\n'))
      return EXIT.done
    })
  },
}

const ack: Command = {
  name: 'respond ack',
  args: '[id]',
  says: 'Says that you have it: nobody else is woken, and your runbook begins.',
  example: 'holdfast respond ack',
  options: [BY],
  exits: EXITS,
  run: (call) =>
    ask(call, 'ack', {}, async (state) => {
      const book = await runbookOf(call, state)
      return book
        ? nextText(nextStep(book, state.runbook!.progress), book)
        : 'There is no runbook. Say so in the review.'
    }),
}

const next: Command = {
  name: 'respond runbook next',
  args: '[id]',
  says: 'The one thing to do now: what to run, what to expect, what if not.',
  example: 'holdfast respond runbook next',
  exits: { 1: 'there is no such incident, or no runbook for it', 3: 'the store cannot be reached' },
  run: (call) =>
    withStore(call, async (store) => {
      const state = await find(store, call.args[0])
      const book = await runbookOf(call, state)
      if (!book || !state.runbook) {
        throw new OpsError('NO_RUNBOOK', {
          message: `There is no runbook "${state.runbook?.id ?? ''}" for this incident.`,
          fix: 'Call the next person on the ladder, and write down what you do: holdfast respond note --because "…"',
        })
      }
      const step = nextStep(book, state.runbook.progress)
      const first = state.runbook.progress.length === 0
      if (call.json)
        call.io.out(JSON.stringify({ incident: state.id, runbook: state.runbook.id, title: book.title, next: step }))
      else call.io.out(`${first ? `${book.title}\n\n${book.firstScreen}\n\n` : ''}${nextText(step, book)}`)
      return EXIT.done
    }),
}

const step: Command = {
  name: 'respond runbook step',
  args: '<step> [id]',
  says: 'Writes down what came of a step, and shows the next one.',
  example: 'holdfast respond runbook step confirm-failing --result done --saw "3 of 41 failed"',
  options: [
    {
      flags: '--result <result>',
      says: 'done, failed (not what was expected), skipped (needs --saw), approved',
      default: 'done',
    },
    { flags: '--saw <text>', says: 'what you saw, or why you skip it' },
    BY,
  ],
  exits: EXITS,
  run(call) {
    const result = String(call.options.result)
    if (!['done', 'failed', 'skipped', 'approved'].includes(result)) {
      throw new OpsError('OPTION_WRONG', {
        message: `"${result.slice(0, 30)}" is not a result.`,
        fix: 'holdfast respond runbook step STEP --result done',
        exit: EXIT.usage,
      })
    }
    const payload = { step: call.args[0]!, says: text(call, 'saw') }
    return ask({ ...call, args: call.args.slice(1) }, `step-${result}`, payload, async (state) => {
      const book = await runbookOf(call, state)
      return book && state.runbook ? nextText(nextStep(book, state.runbook.progress), book) : ''
    })
  },
}

const draft: Command = {
  name: 'respond comms draft',
  args: '[id]',
  says: 'The words for citizens, staff and the minister\u2019s office that wait for approval; with --stage, drafts that stage first.',
  example: 'holdfast respond comms draft --stage identified --cause "A supplier is not answering."',
  options: [
    { flags: '--stage <stage>', says: 'investigating, identified, monitoring or resolved' },
    { flags: '--cause <text>', says: 'the cause, in words that citizens understand' },
    { flags: '--edit <draft>', says: 'replace the words of this draft by --text' },
    { flags: '--text <text>', says: 'the new words' },
    BY,
  ],
  exits: EXITS,
  run(call) {
    const shown = async (state: IncidentState) => draftsOf(state)
    if (call.options.edit) {
      return ask(call, 'comms-draft-edited', { draft: text(call, 'edit'), text: text(call, 'text') }, shown)
    }
    if (call.options.stage)
      return ask(call, 'comms-draft', { stage: text(call, 'stage'), cause: text(call, 'cause') }, shown)
    return withStore(call, async (store) => {
      const state = await find(store, call.args[0])
      call.io.out(call.json ? JSON.stringify({ incident: state.id, drafts: state.comms.drafts }) : draftsOf(state))
      return EXIT.done
    })
  },
}

const approve: Command = {
  name: 'respond comms approve',
  args: '<draft> [id]',
  says: 'Publishes exactly the words that you have read. Holdfast never does this by itself.',
  example: 'holdfast respond comms approve citizens-investigating --read 1',
  options: [{ flags: '--read <n>', says: 'the version that you have read; "respond comms draft" shows it' }, BY],
  exits: EXITS,
  run(call) {
    const version = Number(call.options.read)
    if (!Number.isInteger(version) || version < 1) {
      throw new OpsError('OPTION_MISSING', {
        message: '--read is needed: it says which version of the words you have read.',
        fix: `holdfast respond comms draft, then: holdfast respond comms approve ${call.args[0]} --read 1`,
        exit: EXIT.usage,
      })
    }
    const given = { ...call, args: call.args.slice(1) }
    return ask(given, 'comms-approve', { draft: call.args[0]!, version }, (state, store) =>
      publishedOrNot(store, state.id, call.args[0]!),
    )
  },
}

const mitigated: Command = {
  name: 'respond mitigated',
  args: '[id]',
  says: 'Says that citizens are safe again, though the cause may still be there. Words for that are drafted.',
  example: 'holdfast respond mitigated --because "release r3 is taken back"',
  options: [BECAUSE, BY],
  exits: EXITS,
  run: (call) => ask(call, 'mitigated', { how: text(call, 'because') }, async () => ''),
}

const resolveIt: Command = {
  name: 'respond resolve',
  args: '[id]',
  says: 'Says that the cause is gone. Closing words are drafted.',
  example: 'holdfast respond resolve --because "release r2 has served without a failure for 30 minutes"',
  options: [BECAUSE, BY],
  exits: EXITS,
  run: (call) => ask(call, 'resolved', { because: text(call, 'because') }, async () => ''),
}

const noteIt: Command = {
  name: 'respond note',
  args: '[id]',
  says: 'Writes a line into the incident, for the review and for whoever takes over.',
  example: 'holdfast respond note --because "payments team says their feed is late"',
  options: [BECAUSE, BY],
  exits: EXITS,
  run: (call) => ask(call, 'note', { text: text(call, 'because') }, async () => ''),
}

const close: Command = {
  name: 'respond close',
  args: '[id]',
  says: 'Closes a resolved incident, once every channel that was told of the problem has its closing words.',
  example: 'holdfast respond close',
  options: [BECAUSE, BY],
  exits: EXITS,
  run: (call) => ask(call, 'close', { because: text(call, 'because') }, async () => ''),
}

export const respond: readonly Command[] = [
  list,
  show,
  declare,
  ack,
  next,
  step,
  draft,
  approve,
  noteIt,
  mitigated,
  resolveIt,
  close,
]

/** Puts a request to an incident, waits until it was taken, and says what came of it. */
async function ask(
  call: Call,
  name: string,
  payload: Record<string, Json>,
  after: (state: IncidentState, store: Store) => Promise<string>,
): Promise<ExitCode> {
  const { putToIncident } = await import('../../station/respond.ts')
  return withStore(call, async (store) => {
    const before = await find(store, call.args[0])
    const { state, events } = await putToIncident(store, before, { name, who: who(call), payload })
    const refused = events.find(({ kind }) => kind === 'incident.request-refused')
    const more = refused ? '' : await after(state, store)
    if (call.json) call.io.out(JSON.stringify({ ...summaryOf(state), granted: !refused, events, next: more || null }))
    else call.io.out([...events.map(({ says }) => says), ...(more ? ['', more] : [])].join('\n'))
    return refused ? EXIT.no : EXIT.done
  })
}

const PUBLISH_MS = 5_000

/** What came of publishing, when an engine is running; else what has to be done for it. */
async function publishedOrNot(store: Store, incident: string, draftId: string): Promise<string> {
  const until = (await store.now()) + PUBLISH_MS
  for (;;) {
    const state = (await store.read(incident))?.state as unknown as IncidentState
    const status = state.comms.drafts.find(({ id }) => id === draftId)?.status
    if (status === 'published') return 'They stand there now. Look at them where citizens do.'
    if (status === 'failed') return state.timeline.findLast(({ kind }) => kind === 'comms.failed')?.says ?? ''
    if ((await store.now()) >= until) return 'They are NOT out yet: no engine is running. Start one: holdfast serve'
    await store.wait(200)
  }
}

/** Whether anybody is being woken. A page that nobody sends is worse than none, so that is said loudly. */
async function pagedOrNot(store: Store, incident: string): Promise<string> {
  const until = (await store.now()) + PUBLISH_MS
  for (;;) {
    const state = (await store.read(incident))?.state as unknown as IncidentState
    const taken = state.pages.find(({ status }) => status === 'accepted')
    if (taken) return `The ${taken.role} is paged by ${taken.route}.`
    if ((await store.now()) >= until) {
      const tried = state.pages.filter(({ status }) => status !== 'due')
      return tried.length > 0
        ? `NOBODY IS PAGED YET: ${tried.at(-1)!.says}. Call them by phone.`
        : 'NOBODY IS PAGED YET: no engine is running. Start one (holdfast serve), or call them by phone.'
    }
    await store.wait(200)
  }
}

function declarationOf(call: Call): Declaration {
  const wrong = (message: string) => new OpsError('OPTION_WRONG', { message, fix: declare.example, exit: EXIT.usage })
  const severity = SEVERITIES.find((one) => one === text(call, 'severity').toUpperCase())
  if (call.options.severity && !severity) throw wrong(`"${text(call, 'severity')}" is not a severity: P1 to P4 are.`)
  const since = call.options.since ? Date.parse(text(call, 'since')) : null
  if (Number.isNaN(since)) throw wrong(`"${text(call, 'since')}" is not a moment such as 2026-11-23T03:02Z.`)
  const harmed = Number(call.options.harmed)
  if (!Number.isInteger(harmed) || harmed < 0) throw wrong('--harmed takes a number from 0.')
  for (const name of ['journey', 'because', 'impact']) if (!text(call, name).trim()) throw wrong(`--${name} is needed.`)
  return {
    journey: text(call, 'journey'),
    step: text(call, 'step') || null,
    because: text(call, 'because'),
    impact: text(call, 'impact'),
    severity: severity ?? null,
    sinceAt: since,
    harmed,
    runbook: text(call, 'runbook') || null,
    by: who(call),
  }
}

function who(call: Call): string {
  return String(call.options.by ?? call.io.env.HOLDFAST_USER ?? call.io.env.USER ?? userInfo().username)
}

/** The incident named, or the only open one. */
/** The incident of this id, or the one that is open. */
export async function find(store: Store, id: string | undefined): Promise<IncidentState> {
  const rows =
    id === undefined ? await store.list({ kind: 'incident', done: false, limit: 20 }) : [await store.read(id)]
  const [row, ...more] = rows.filter((one) => one?.kind === 'incident')
  if (row && more.length === 0) return row.state as unknown as IncidentState
  if (row) {
    throw new OpsError('WHICH_INCIDENT', {
      message: `${more.length + 1} incidents are open.`,
      fix: `name one: ${[row, ...more].map((one) => one!.id).join(', ')}`,
      exit: EXIT.usage,
    })
  }
  throw new OpsError('NO_SUCH_INCIDENT', {
    message: id === undefined ? 'No incident is open.' : `There is no incident ${id}.`,
    fix: 'holdfast respond list --all',
  })
}

async function runbookOf(call: Call, state: IncidentState): Promise<Runbook | null> {
  const id = state.runbook?.id
  if (!id) return null
  const { findRunbook } = await import('../../station/runbook.ts')
  const found = await findRunbook(call.service, id)
  if (found) return parseRunbook(found.text, found.path)
  call.io.progress(
    `There is no runbooks/${id}.md and no ops/runbooks/${id}.md beside ${call.service}. Name the definition it belongs to with --service FILE.`,
  )
  return null
}

function summaryOf(state: IncidentState): Record<string, unknown> {
  const { id, service, phase, severity, says, harmed, journey, step: at, runbook, paging, times, comms } = state
  return {
    incident: id,
    service,
    phase,
    severity,
    says,
    harmed,
    journey,
    step: at,
    runbook: runbook?.id ?? null,
    heldBy: paging.phase === 'held' ? paging.by : null,
    paging: paging.phase,
    since: isoOf(times.faultStarted),
    updateDueAt: comms.dueAt === null ? null : isoOf(comms.dueAt),
    waitingForApproval: comms.drafts
      .filter(({ status }) => status === 'draft' || status === 'failed')
      .map(({ id: draftId }) => draftId),
    ...durationsOf(state),
  }
}

function linesOf(state: IncidentState, now: number): string[] {
  const { paging, comms, harmed, times } = state
  const held = {
    held: () => (paging.phase === 'held' ? `${paging.by} has it.` : ''),
    climbing: () => 'Nobody has answered yet; people are being paged.',
    exhausted: () => 'NOBODY HAS ANSWERED, and everybody was paged. Take it: holdfast respond ack',
    over: () => '',
  }[paging.phase]()
  const what = state.says.replace(/\.$/, '')
  const since = `since ${londonOf(times.faultStarted)} (${durationOf(now - times.faultStarted)})`
  const due = comms.dueAt === null ? '' : ` A public update is due at ${londonOf(comms.dueAt)}.`
  return [
    `${state.severity} ${state.phase}  ${state.id}`,
    `  ${what}, ${since}, ${plural(harmed, 'citizen')}.`,
    `  ${held}${due}`.trimEnd(),
  ].filter((line) => line.trim() !== '')
}

function eventLine({ at, who, says }: TimelineEvent): string {
  return `${londonOf(at)}  ${who.padEnd(10)}  ${says}`
}

function draftsOf(state: IncidentState): string {
  if (state.comms.drafts.length === 0) return 'No words are drafted: the definition names nobody to tell.'
  return state.comms.drafts
    .map((one) => {
      const found = lintWording(one).map(
        ({ severity, says, fix }) => `  ${severity === 'error' ? 'MUST' : 'could'} change: ${says} ${fix}`,
      )
      const how =
        one.status === 'draft' || one.status === 'failed'
          ? `  To publish on ${one.channel}: holdfast respond comms approve ${one.id} ${state.id} --read ${one.version}`
          : `  ${one.status}${one.approvedBy ? `, approved by ${one.approvedBy}` : ''}`
      const words = `${one.title}\n\n${one.text}`.split('\n').map((line) => `  | ${line}`.trimEnd())
      return [`${one.id} (version ${one.version}, by ${one.writtenBy})`, ...words, ...found, how].join('\n')
    })
    .join('\n\n')
}

/** Text of an option; empty when it was not given. */
export function text(call: Call, name: string): string {
  const value = call.options[name]
  return typeof value === 'string' ? value : ''
}

/** Opens the store for one use. */
export async function withStore<T>(call: Call, use: (store: Store) => Promise<T>): Promise<T> {
  const { openHoldfastStore } = await import('../../adapters/postgres/open.ts')
  const { store } = await openHoldfastStore({ state: call.state, env: call.io.env })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}
