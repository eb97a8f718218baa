/** One runbook for each failure mode, in the form that core/respond/runbook.ts reads and follows. */
import type { Action, FailureMode, Service } from '../define/schema.ts'
import { alertsFor } from './alerts.ts'
import { type KitFile, single } from './file.ts'
import {
  escalationRole,
  journeysOf,
  ladderWords,
  lower,
  modesOf,
  pathOf,
  roleId,
  runbookPath,
  type Source,
  sentence,
} from './source.ts'

export function runbookFiles({ service }: Source): KitFile[] {
  return modesOf(service)
    .filter((mode) => mode.runbook === undefined)
    .map((mode) => {
      const from = [
        pathOf(service, 'failureModes', mode.id),
        ['oncall', 'ladder'],
        ['comms', 'contact'],
        ...journeysOf(service, mode).map((journey) => pathOf(service, 'journeys', journey.id)),
      ]
      return single('runbooks', runbookPath(mode), from, runbookText(service, mode))
    })
}

export function runbookText(service: Service, mode: FailureMode): string {
  const journeys = journeysOf(service, mode)
  return [
    `# ${mode.name}`,
    '',
    ...firstScreen(service, mode),
    '',
    ...inputLines(mode),
    ...toolLines(service, mode),
    '## Steps',
    '',
    ...stepBlocks(service, mode),
    '## If it stays like this',
    '',
    sentence(`Citizens meanwhile get this: ${mode.degrade}`),
    ...(mode.degradeUntil ? [sentence(`It ends when ${lower(mode.degradeUntil)}`)] : []),
    ...journeys.map(
      (journey) =>
        `"${journey.name}" must work again within ${journey.tolerance.recoverMinutes} minutes; when it does not, ${lower(journey.harmIfFails)}.`,
    ),
    ...(mode.note ? [sentence(mode.note)] : []),
    ...(mode.outsideClock
      ? [
          `A clock runs outside: ${mode.outsideClock.hours} hours from ${mode.outsideClock.starts}, to tell the ${mode.outsideClock.to}. ${sentence(`${mode.outsideClock.owner} decides`)} Write down now when we became aware.`,
        ]
      : []),
    ...(mode.seenInPublic ? [sentence(`It has happened to others: ${mode.seenInPublic}`)] : []),
    '',
    '## Escalation',
    '',
    ...escalationLines(service),
    '',
    '## Tell citizens',
    '',
    ...citizenWords(service, mode),
  ].join('\n')
}

/** At most ten lines: they fit on a phone. */
function firstScreen(service: Service, mode: FailureMode): string[] {
  const journeys = journeysOf(service, mode).map((journey) => journey.name)
  return [
    `**${service.service.name}.** Citizens see: ${mode.citizenSees}. Journeys: ${journeys.join('; ')}.`,
    ...(mode.silent ? ['**No error is shown to anybody.** The service looks healthy while this goes on.'] : []),
    `**Is it real?** ${sentence(mode.confirm[0]!.says)}`,
    `**One safe thing, now:** ${sentence(mode.act.first.says)} To take it back: ${lower(mode.act.undo)}.`,
    ...(mode.act.persons === 2 ? ['**Two people** must agree to it.'] : []),
    `**Wake:** ${ladderWords(service)}.${mode.severityFloor ? ` Never less than ${mode.severityFloor}.` : ''}`,
  ]
}

function inputLines(mode: FailureMode): string[] {
  if (mode.inputs.length === 0) return []
  return [
    '## Inputs',
    '',
    '| name | where to find it | sample |',
    '|---|---|---|',
    ...mode.inputs.map((input) => `| \`${input.name}\` | ${input.where} | \`${input.sample}\` |`),
    '',
  ]
}

/** Programs that the commands of this runbook start, so that somebody sees before the first step what is missing. */
function toolLines(service: Service, mode: FailureMode): string[] {
  const runs = [
    ...placedSteps(mode).map(({ action }) => action.run),
    ...proofLines(service, mode).map((line) => /^run: (.+)/.exec(line)?.[1]),
  ]
  const all = new Set(runs.flatMap((run) => /^[\w./-]+/.exec(run ?? '')?.[0] ?? []))
  // Ours comes last: what follows its name would read as a command of it.
  const tools = [...[...all].filter((tool) => tool !== 'holdfast').sort(), ...(all.has('holdfast') ? ['holdfast'] : [])]
  if (tools.length === 0) return []
  const where = tools.includes('holdfast') || tools.includes('bash') ? ' Type them in a copy of the repository.' : ''
  return [
    '## Tools',
    '',
    `The commands use ${tools.map((tool) => `\`${tool}\``).join(' and ')}.${where} \`command -v ${tools.join(' ')}\` prints one line for each that is installed; when one is missing, wake the ${escalationRole(service)} now.`,
    '',
  ]
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

interface Placed {
  readonly action: Action
  readonly id: string
  readonly why: string
  readonly changes: string
}

function placedSteps({ confirm, act }: FailureMode): readonly Placed[] {
  return [
    ...confirm.map(
      (action, i): Placed => ({
        action,
        id: i === 0 ? 'is-it-real' : `is-it-real-${i + 1}`,
        why: 'Tells a fault that citizens feel from a false alarm.',
        changes: 'nothing',
      }),
    ),
    {
      action: act.first,
      id: 'first-action',
      why: whyFirst(act),
      changes: act.first.changes ?? (isLooking(act.first) ? 'nothing' : 'what citizens are served'),
    },
    ...act.then.map(
      (action, i): Placed => ({
        action,
        id: `then-${i + 1}`,
        why: 'Comes next, in this order.',
        changes: action.changes ?? (isLooking(action) ? 'nothing' : 'the running service'),
      }),
    ),
  ]
}

function whyFirst({ first, persons }: FailureMode['act']): string {
  if (persons === 2) return 'Stops the harm; two people agree to it first.'
  return first.approve
    ? `Stops the harm; the ${first.approve} agrees to it first.`
    : 'Stops the harm; safe for anybody to do at once.'
}

/** Orders that only find out or tell, as their first word says; whoever follows them takes nothing back. */
function isLooking({ says, run }: Action): boolean {
  return (
    run === undefined &&
    /^(ask|call|check|compare|count|file|find|list|look|note|read|report|search|see|tell|telephone|verify|write)\b/i.test(
      says,
    )
  )
}

function stepBlocks(service: Service, mode: FailureMode): string[] {
  const escalate = `escalate ${roleId(escalationRole(service))}`
  const steps = placedSteps(mode)
  return [
    ...steps.flatMap((step, i) => {
      const next = steps[i + 1]?.id ?? 'journey-check'
      return blockOf(service, mode, step, ifNotOf(step, next, escalate))
    }),
    '### Prove that citizens are served',
    '',
    '```step',
    'id: journey-check',
    `why: The journey itself says whether it is over: ${journeysOf(service, mode)
      .map((journey) => journey.id)
      .join(', ')}.`,
    ...proofLines(service, mode),
    `if-not: ${escalate}`,
    'minutes: 5',
    'changes: nothing',
    '```',
    '',
  ]
}

/** Where a step leads that did not show what it should. What the definition says about it comes first. */
function ifNotOf({ action, changes }: Placed, next: string, escalate: string): string {
  const { ifNot = '' } = action
  if (/\bescalate\b/i.test(ifNot)) return escalate
  if (/\bgo on\b/i.test(ifNot)) return `go ${next}`
  if (changes !== 'nothing') return escalate
  // When it was not real, the journey itself is asked; it alone may say that nothing is wrong.
  return next === 'first-action' ? 'go journey-check' : `go ${next}`
}

/** Platforms whose journeys Holdfast itself watches, because their citizens come through its gateway. */
const WATCHED_BY_US = new Set(['process', 'podman'])

/** How the last step sees that citizens are served: by our own watch where it looks, else by walking the journey. */
function proofLines(service: Service, mode: FailureMode): string[] {
  const journeys = journeysOf(service, mode)
  const steps = journeys.flatMap((journey) => journey.steps.map((step) => ({ journey, step })))
  if (WATCHED_BY_US.has(service.runtime.kind) && steps.length > 0) {
    const lines = journeys.map((journey) => `"${journey.id}/"`).join(' and ')
    const walk = service.service.publicUrl ? ` at ${service.service.publicUrl}` : ''
    return [
      'run: holdfast watch status',
      `expect: every line of ${lines} begins with "fine"; where it begins with "quiet", nobody has tried: walk through that journey yourself${walk}${silenceOf(service, mode, (alert) => alert.startsWith('CitizensFail'))}`,
    ]
  }
  const silence = silenceOf(service, mode, () => false)
  if (steps.length > 0) {
    const last = steps.filter(({ journey }) => journey.id === steps[0]!.journey.id).at(-1)!
    const walked = steps.filter(({ journey }) => journey.id === last.journey.id).map(({ step }) => step.name)
    return [
      `ui: ${service.service.publicUrl ?? service.service.name} > ${walked.join(' > ')}`,
      `expect: ${last.step.marker ? `the page says "${last.step.marker}"` : (last.journey.outcome ?? `"${last.step.name}" answers within ${last.step.limitMs} ms`)}${silence}`,
    ]
  }
  return [
    `ui: By hand: ${mode.confirm[0]!.says}`,
    `expect: ${journeys[0]?.outcome ?? 'nothing of the fault is left'}${silence}`,
  ]
}

/** The alerts of the failure that the rest of the step does not answer for, and where their silence is seen. */
function silenceOf(service: Service, mode: FailureMode, isKnown: (alert: string) => boolean): string {
  const alerts = alertsFor(service, mode).filter((alert) => !isKnown(alert))
  if (alerts.length === 0) return ''
  const place = service.tooling.metrics === 'cloudwatch' ? 'CloudWatch > Alarms' : 'Prometheus > Alerts'
  return `; and under ${place}, ${alerts.map((alert) => `\`${alert}\``).join(' and ')} ${alerts.length > 1 ? 'have' : 'has'} not fired for 10 minutes`
}

/** What a stranger compares. Where the definition gives nothing, it follows from how the fault shows. */
function expectationOf(mode: FailureMode, { action, changes, id }: Placed): string {
  if (action.expect) return action.expect
  const { says, breach = `citizens see ${mode.citizenSees}` } = mode.detect
  if (id.startsWith('is-it-real')) {
    const watched = says ? ` (the alert watches: ${says})` : ''
    return `it is real when you find this: ${lower(breach)}${watched}`
  }
  return changes === 'nothing'
    ? 'an answer, written into the incident with its time and who gave it'
    : `no new case of this: ${lower(breach)}; the time is written into the incident`
}

function blockOf(service: Service, mode: FailureMode, step: Placed, ifNot: string): string[] {
  const { action, id, why, changes } = step
  const destructive =
    action.run !== undefined &&
    /\b(delete|drop|truncate|restart|purge|force|terminate|failover|kill|rm)\b/i.test(action.run)
  return [
    `### ${capital(action.says)}`,
    '',
    '```step',
    `id: ${id}`,
    `why: ${why}`,
    action.run === undefined ? `ui: ${action.ui ?? `By hand: ${lower(action.says)}`}` : `run: ${action.run}`,
    `expect: ${expectationOf(mode, step)}`,
    `if-not: ${ifNot}`,
    `minutes: ${action.minutes}`,
    `changes: ${changes}`,
    ...(changes === 'nothing' ? [] : [`undo: ${action.undo ?? wayBack(service, mode, step)}`]),
    ...(action.warn ? [`warn: ${action.warn}`] : destructive ? [`warn: it acts at once on ${changes}`] : []),
    ...(action.approve ? [`approve: ${action.approve}`] : []),
    '```',
    ...otherwise(service, mode, action.ifNot),
    '',
  ]
}

/** The first action has its way back in the definition; of any other, nobody should guess one. */
function wayBack(service: Service, { act }: FailureMode, { id }: Placed): string {
  return id === 'first-action' ? act.undo : `no way back is written down: ask the ${escalationRole(service)} first`
}

/** What the definition says for the other outcome; the id of another failure mode becomes the way to its runbook. */
function otherwise(service: Service, mode: FailureMode, ifNot: string | undefined): string[] {
  if (ifNot === undefined || /^escalate\.?$/i.test(ifNot)) return []
  const other = service.failureModes.find(({ id }) => id !== mode.id && new RegExp(`\\b${id}\\b`).test(ifNot))
  const says = other
    ? ifNot.replace(
        new RegExp(`(?:go to )?\\b${other.id}\\b`),
        `follow \`${runbookPath(other)}\` when citizens still fail`,
      )
    : ifNot
  return ['', sentence(`When you see something else: ${lower(says)}`)]
}

function escalationLines(service: Service): string[] {
  const { oncall } = service
  const last = oncall.ladder.at(-1)!
  return [
    '| after | role | route | to |',
    '|---|---|---|---|',
    ...oncall.ladder.map(
      (rung) =>
        `| ${rung.afterMinutes} min | ${rung.role} (\`${roleId(rung.role)}\`) | ${rung.route} | ${rung.to ?? `whoever is on the rota "${rung.rota}"`} |`,
    ),
    '',
    `Nobody answers within ${oncall.acknowledgeMinutes} minutes: go to the next row. \`ops/docs/on-call.md\` says who is on a rota. The ladder ends with the ${last.role}. Stop and escalate as soon as a step does not show what it should.`,
    ...(oncall.cover === 'always'
      ? ['Somebody is on call at every hour.']
      : [
          `Cover: ${oncall.cover.map((hours) => `${hours.days} ${hours.local}`).join('; ')}. Outside of it: ${oncall.outOfHours ?? 'nobody is on call'}.`,
        ]),
  ]
}

function citizenWords(service: Service, mode: FailureMode): string[] {
  const { contact, savedAnswers, firstPublicMinutes } = service.comms
  const audiences = service.comms.audiences.filter(
    (audience) => mode.act.notify.includes(audience.id) || audience.failureModes.includes(mode.id),
  )
  const first = mode.silent
    ? `Some people who used "${service.service.name}" were affected by a fault. We are finding out who, and will contact them.`
    : `There is a problem with "${service.service.name}". You may not be able to finish what you came to do.`
  return [
    `> ${first}`,
    `> ${[savedAnswers, `You can call ${contact.phone} (${contact.hours}).`].filter(Boolean).join(' ')}`,
    '',
    `Say this within ${firstPublicMinutes} minutes, after a person has approved it. It must also answer: ${service.comms.mustSay.join('; ')}.`,
    ...(audiences.length > 0
      ? [
          `Tell first: ${audiences.map((audience) => `${audience.name ?? audience.id} (${audience.channels.join(', ')}${audience.withinMinutes ? ` within ${audience.withinMinutes} minutes` : ''})`).join('; ')}.`,
        ]
      : []),
    belongsTo(service, mode),
  ]
}

function belongsTo(service: Service, mode: FailureMode): string {
  const alerts = alertsFor(service, mode).map((alert) => `\`${alert}\``)
  if (alerts.length > 0) return `Who is woken by ${alerts.join(' or ')} begins with this runbook.`
  return 'No alert of its own leads here: somebody tells us, or another runbook does.'
}
