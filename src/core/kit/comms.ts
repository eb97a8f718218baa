/** Words prepared before they are needed: for each audience and stage, and a page that stands when nothing else does. */
import type { Audience, Service } from '../define/schema.ts'
import { type KitFile, single } from './file.ts'
import { insteadOf, lower, modesOf, type Source, sentence } from './source.ts'
import { unavailablePage } from './unavailable.ts'

const STAGES = ['investigating', 'identified', 'monitoring', 'resolved'] as const

export function commsFiles({ service }: Source): KitFile[] {
  const from = [['comms'], ['service']]
  return [
    ...service.comms.audiences.map((audience) =>
      single('comms', `ops/comms/${audience.id}.md`, from, audienceText(service, audience)),
    ),
    single(
      'comms',
      'ops/pages/unavailable.html',
      [['comms', 'contact'], ['service', 'name'], ['journeys']],
      unavailablePage(service),
    ),
  ]
}

function audienceText(service: Service, audience: Audience): string {
  const { comms } = service
  const update = Object.entries(comms.updateEveryMinutes).map(
    ([severity, minutes]) => `${severity} every ${minutes} minutes`,
  )
  return [
    `# ${audience.name ?? audience.id}: words for an incident of "${service.service.name}"`,
    '',
    `Channels: ${audience.channels.join(', ')}.${audience.withinMinutes ? ` First words within ${audience.withinMinutes} minutes.` : ''}${audience.when ? ` Only: ${audience.when}.` : ''}${audience.why ? ` ${sentence(audience.why)}` : ''}`,
    `${audience.speaks ? `Sent by: ${audience.speaks}.` : 'A person approves the words before they go out.'} Updates: ${update.join(', ')}.`,
    ...(comms.speakers.length > 0
      ? [`Who speaks: ${comms.speakers.map((speaker) => `${speaker.who} on ${speaker.topic}`).join('; ')}.`]
      : []),
    'Write in for {since} and {ended} since when and until when, for {next} when we speak again, and for {count} how many people; `holdfast respond show` has them. `holdfast respond comms draft` makes shorter words from the same facts, with all of them filled in.',
    ...audience.languages.flatMap((language) => wordsIn(service, audience, language)),
    '',
    '## Before it goes out',
    '',
    ...comms.mustSay.map(
      (question) =>
        `- Does it say ${/^(what|whether|when|which|who|how|where|for)\b/.test(question) ? question : `what is known of ${question}`}?`,
    ),
    ...(comms.deadlineMoves ? [`- A promise about deadlines: ${comms.deadlineMoves}.`] : []),
    '- No component, error code or cause that nobody has confirmed; no name of a person.',
  ].join('\n')
}

function wordsIn(service: Service, audience: Audience, language: string): string[] {
  if (language !== 'en')
    return [
      '',
      `## ${language === 'cy' ? 'Cymraeg' : language}`,
      '',
      '**Not translated yet: do not publish.** A translator works from the English words above, and the phrases below stay as they are:',
      `- the service: ${service.service.name}`,
      `- help: ${service.comms.contact.phone}`,
    ]
  return STAGES.flatMap((stage) => [
    '',
    `## ${stage.charAt(0).toUpperCase()}${stage.slice(1)}`,
    '',
    ...wordsAt(service, audience, stage).map((text) => `> ${text}`),
  ])
}

const PUBLIC = new Set(['banner', 'unavailable-page', 'status-page', 'helpline', 'sms', 'letter', 'notice'])

/** Only people on a computed list are written to about a failure mode of their own. */
function isPersonal(audience: Audience): boolean {
  return (
    audience.failureModes.length > 0 && audience.channels.every((channel) => channel === 'letter' || channel === 'sms')
  )
}

function wordsAt(service: Service, audience: Audience, stage: (typeof STAGES)[number]): string[] {
  const { name } = service.service
  const { contact, savedAnswers } = service.comms
  const open = audience.channels.some((channel) => PUBLIC.has(channel))
  const textphone = contact.textphone ? ` Textphone: ${contact.textphone}.` : ''
  const help = `You can call ${contact.phone} (${contact.hours}).${textphone}`
  const instead = insteadOf(service)
  if (stage === 'resolved')
    return open
      ? [
          `"${name}" is working again. It was not working properly from {since} to {ended}.`,
          `If you were using it then, check that you got what you came for. ${help}`,
        ]
      : [
          `"${name}" works again since {ended}; {count} people were affected from {since} on. The review follows within ${service.respond.reviewWorkingDays} working days.`,
        ]
  if (!open) {
    const harm = sentence(`When it fails, ${lower(service.journeys[0]!.harmIfFails)}`)
    return [
      `"${name}" has not worked properly since {since}; {count} people were affected so far. ${harm}`,
      stage === 'investigating'
        ? 'We do not know the cause yet.'
        : stage === 'identified'
          ? 'We know the cause and are mending it.'
          : 'It is mended; we are watching that it stays so.',
      'Next update at {next}.',
    ]
  }
  if (isPersonal(audience))
    return [
      `You used "${name}" while something was wrong with it, and it may have affected you.`,
      stage === 'investigating'
        ? 'We are finding out whom it affected, and how.'
        : stage === 'identified'
          ? 'We know what went wrong, and are putting it right.'
          : 'It is put right, and we are watching that it stays so.',
      `${help}`,
      'We will write to you again by {next}.',
    ]
  const state =
    stage === 'investigating'
      ? 'We are finding out why.'
      : stage === 'identified'
        ? 'We know why, and are mending it.'
        : 'It should work now, and we are watching that it does.'
  return [
    `There has been a problem with "${name}" since {since}. ${state}`,
    ...(savedAnswers ? [savedAnswers] : []),
    // The same number is said once.
    instead?.includes(contact.phone) ? `${instead}${textphone}` : [instead, help].filter(Boolean).join(' '),
    'We will say more at {next}.',
  ]
}

/** Which failure modes an audience hears of, for the on-call guide. */
export function audiencesOf(service: Service): readonly string[] {
  const modes = modesOf(service)
  return service.comms.audiences.map((audience) => {
    const own =
      audience.failureModes.length > 0
        ? audience.failureModes
        : modes.filter((mode) => mode.act.notify.includes(audience.id)).map((mode) => mode.id)
    return `${audience.name ?? audience.id}: ${audience.channels.join(', ')}${audience.withinMinutes ? ` within ${audience.withinMinutes} minutes` : ''}${audience.when ? `, ${audience.when}` : ''}${own.length > 0 ? ` (${own.join(', ')})` : ''}`
  })
}
