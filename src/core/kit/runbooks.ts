/** One runbook for each failure mode, in the form that core/respond/runbook.ts reads and follows. */
import type { Action, FailureMode, Service } from '../define/schema.ts'
import { alertsFor } from './alerts.ts'
import { type KitFile, single } from './file.ts'
import {
  alertName,
  escalationRole,
  journeysOf,
  ladderWords,
  lower,
  modesOf,
  pathOf,
  roleId,
  runbookPath,
  sentence,
  type Source,
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

interface Placed {
  readonly action: Action
  readonly id: string
  readonly why: string
  readonly changes: string
}

function stepBlocks(service: Service, mode: FailureMode): string[] {
  const escalate = `escalate ${roleId(escalationRole(service))}`
  const steps = [
    ...mode.confirm.map(
      (action, i): Placed => ({
        action,
        id: i === 0 ? 'is-it-real' : `is-it-real-${i + 1}`,
        why: 'Tells a fault that citizens feel from a false alarm.',
        changes: 'nothing',
      }),
    ),
    {
      action: mode.act.first,
      id: 'first-action',
      why: 'Stops the harm; safe for anybody to do at once.',
      changes: mode.act.first.changes ?? 'what citizens are served',
    } as Placed,
    ...mode.act.then.map(
      (action, i): Placed => ({
        action,
        id: `then-${i + 1}`,
        why: 'Follows when the first action was not enough.',
        changes: action.changes ?? 'the running service',
      }),
    ),
  ]
  return [
    ...steps.flatMap((step, i) => {
      const next = steps[i + 1]?.id ?? 'journey-check'
      // When it was not real, the journey itself is asked; it alone may say that nothing is wrong.
      const ifNot = step.changes !== 'nothing' ? escalate : next === 'first-action' ? 'go journey-check' : `go ${next}`
      return blockOf(step, expectationOf(mode, step), ifNot, mode.act.undo)
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

/** Platforms whose journeys Holdfast itself watches, because their citizens come through its gateway. */
const WATCHED_BY_US = new Set(['process', 'podman'])

/** How the last step sees that citizens are served: by our own watch where it looks, else by walking the journey. */
function proofLines(service: Service, mode: FailureMode): string[] {
  const journeys = journeysOf(service, mode)
  const steps = journeys.flatMap((journey) => journey.steps.map((step) => ({ journey, step })))
  const silence = `${alertsFor(service, mode)
    .map((alert) => `\`${alert}\``)
    .join(' and ')} ${alertsFor(service, mode).length > 1 ? 'have' : 'has'} not fired for 10 minutes`
  const alsoSilent = alertsFor(service, mode).length > 0 ? `, and ${silence}` : ''
  if (WATCHED_BY_US.has(service.runtime.kind) && steps.length > 0)
    return [
      'run: holdfast watch status',
      `expect: no step of ${journeys.map((journey) => `"${journey.id}"`).join(' or ')} is "failing"${alsoSilent}`,
    ]
  if (steps.length > 0) {
    const last = steps.filter(({ journey }) => journey.id === steps[0]!.journey.id).at(-1)!
    const walked = steps.filter(({ journey }) => journey.id === last.journey.id).map(({ step }) => step.name)
    return [
      `ui: ${service.service.publicUrl ?? service.service.name} > ${walked.join(' > ')}`,
      `expect: ${last.step.marker ? `the page says "${last.step.marker}"` : (last.journey.outcome ?? `"${last.step.name}" answers within ${last.step.limitMs} ms`)}${alsoSilent}`,
    ]
  }
  return [
    `ui: By hand: ${mode.confirm[0]!.says}`,
    `expect: ${journeys[0]?.outcome ?? 'nothing of the fault is left'}${alsoSilent}`,
  ]
}

/** What a stranger compares. Where the definition gives nothing, it follows from how the fault shows. */
function expectationOf(mode: FailureMode, { action, changes }: Placed): string {
  if (action.expect) return action.expect
  const shows = mode.detect.breach ?? `citizens see ${mode.citizenSees}`
  return changes === 'nothing'
    ? `it is real when you find this: ${lower(shows)}`
    : `no new case of this: ${lower(shows)}; the time is written into the incident`
}

function blockOf({ action, id, why, changes }: Placed, expect: string, ifNot: string, undo: string): string[] {
  const destructive =
    action.run !== undefined &&
    /\b(delete|drop|truncate|restart|purge|force|terminate|failover|kill|rm)\b/i.test(action.run)
  return [
    `### ${action.says}`,
    '',
    '```step',
    `id: ${id}`,
    `why: ${why}`,
    action.run === undefined ? `ui: ${action.ui ?? `By hand: ${action.says}`}` : `run: ${action.run}`,
    `expect: ${expect}`,
    `if-not: ${ifNot}`,
    `minutes: ${action.minutes}`,
    `changes: ${changes}`,
    ...(changes === 'nothing' ? [] : [`undo: ${action.undo ?? undo}`]),
    ...(action.warn ? [`warn: ${action.warn}`] : destructive ? [`warn: it acts at once on ${changes}`] : []),
    ...(action.approve ? [`approve: ${action.approve}`] : []),
    '```',
    ...(action.ifNot ? ['', sentence(`When you see something else: ${lower(action.ifNot)}`)] : []),
    '',
  ]
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
    `Nobody answers within ${oncall.acknowledgeMinutes} minutes: go to the next row. The ladder ends with the ${last.role}. Stop and escalate as soon as a step does not show what it should.`,
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
    `This runbook belongs to the alert \`${alertName(mode.id)}\`.`,
  ]
}
