/**
 * Data protection papers: the screening of each release, and the draft of the assessment. What the definition says is written in; what
 * it does not say is a question to a role, never a pass. Questions after the UK GDPR, article 35, and the ICO's list of ten.
 */
import type { FailureMode, Service } from '../define/schema.ts'
import { countOf } from '../words.ts'
import { wordsOf } from './alerts.ts'
import { type KitFile, single } from './file.ts'
import { durationWords, journeysOf, lower, modesOf, runbookPath, sentence, sliOf } from './source.ts'

/** None when the service holds nothing about people. */
export function dpiaFiles(service: Service): KitFile[] {
  if (!service.data.kinds.some((kind) => kind.personal)) return []
  const from = [['data'], ['dependencies'], ['failureModes']]
  return [
    single('docs', 'ops/docs/dpia-screening.md', from, screeningText(service)),
    single('docs', 'ops/docs/dpia-draft.md', from, draftText(service)),
  ]
}

type Answer = 'yes' | 'no' | 'a person decides'

interface Criterion {
  readonly asks: string
  readonly answer: Answer
  readonly because: string
}

/** Groups of people that only special category data tells apart (UK GDPR, article 9). */
const SPECIAL_GROUPS = /disab|health|ethnic|race|relig|belief|orientation|union|politic|genetic|biometric/i

/** Systems that somebody else runs, and that get more than a signal to begin. */
function othersOf(dependencies: Service['dependencies']): Service['dependencies'] {
  return dependencies.filter(({ triggerOnly, owner }) => !triggerOnly && owner !== 'us')
}

/** From how many people a year on processing counts as large here, until the data protection officer says otherwise. */
const LARGE_PEOPLE = 100_000

/** The ICO's ten kinds of processing that call for an assessment, and the three of article 35(3), as far as the definition tells. */
export function criteriaOf(service: Service): readonly Criterion[] {
  const { data, service: identity, dependencies } = service
  const special = data.kinds.filter((kind) => kind.special !== false)
  const sensitive = (data.equality?.watchBy ?? []).filter((group) => SPECIAL_GROUPS.test(group))
  const people = identity.usersPerYear
  const shared = [...new Set([...data.recipients, ...othersOf(dependencies).map(({ name, id }) => name ?? id)])]
  const named = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).join(', ')
  const unknown = (asks: string, because: string): Criterion => ({ asks, answer: 'a person decides', because })
  return [
    data.automatedDecisions
      ? {
          asks: 'Is access, or a decision with legal effect, settled by a machine?',
          answer: 'yes',
          because: `${data.automatedDecisions.solely ? 'solely' : 'with a person'}; to have it looked at again: ${lower(data.automatedDecisions.humanReview)}`,
        }
      : unknown(
          'Is access, or a decision with legal effect, settled by a machine?',
          'the definition says of no decision that a machine takes it',
        ),
    special.length > 0
      ? { asks: 'Is special category data used?', answer: 'yes', because: named(special) }
      : sensitive.length > 0
        ? unknown(
            'Is special category data used?',
            `none of ${named(data.kinds)} is marked so, but results are compared by ${sensitive.join(', ')}: where does that come from?`,
          )
        : {
            asks: 'Is special category data used?',
            answer: 'no',
            because: `none of ${named(data.kinds)} is marked so`,
          },
    people === undefined
      ? unknown('Is it on a large scale?', 'the definition does not say how many people a year')
      : {
          asks: 'Is it on a large scale?',
          answer: people >= LARGE_PEOPLE ? 'yes' : 'a person decides',
          because: `${countOf(people)} people a year`,
        },
    shared.length > 0
      ? unknown('Is data matched or combined from several sources?', `it goes to or comes from ${shared.join(', ')}`)
      : {
          asks: 'Is data matched or combined from several sources?',
          answer: 'no',
          because: 'no recipient and no dependency is named',
        },
    unknown(
      'Are people put into groups or scored?',
      data.equality
        ? `results are compared by ${data.equality.watchBy.join(', ')}; whether a decision rests on that, the definition does not say`
        : 'no definition can tell',
    ),
    {
      asks: 'Could a failure put somebody in danger?',
      answer: service.journeys.some(({ harmClass }) => harmClass === 'safety') ? 'yes' : 'a person decides',
      because: service.journeys.map(({ name, harmClass }) => `${name}: ${harmClass}`).join('; '),
    },
    unknown(
      'Are children or other vulnerable people among those served?',
      `the journeys serve people who ${lower(service.journeys[0]!.name)}`,
    ),
    unknown('Is a new technology used in a new way?', 'no definition can tell'),
    unknown(
      'Is data gathered that people did not give themselves?',
      'the definition does not say where each kind of data comes from',
    ),
    unknown('Are people tracked in place or behaviour?', 'no definition can tell'),
    unknown('Are biometric or genetic data used?', special.length > 0 ? `see ${named(special)}` : 'none is named'),
  ]
}

function screeningText(service: Service): string {
  const { data } = service
  return [
    `# Data protection: screening of changes to "${service.service.name}"`,
    '',
    data.dpia?.last
      ? `Last full assessment: ${data.dpia.last}.`
      : 'There is no date of a full assessment yet: that is a gap.',
    '',
    '## Ask of every release',
    '',
    ...(data.dpia?.triggers ?? []).map(
      (trigger) =>
        `- [ ] ${sentence(trigger).replace(/\.$/, '')}? If yes, the assessment is looked at before the release.`,
    ),
    ...(data.dpia ? [] : ['The definition names no trigger (`data.dpia.triggers`): that is a gap.']),
    '',
    'None of them: write down who decided it, in which role, and when. Silence is no screening.',
    '',
    '## Does it call for an assessment?',
    '',
    '| question | answer | because |',
    '|---|---|---|',
    ...criteriaOf(service).map(({ asks, answer, because }) => `| ${asks} | ${answer} | ${because} |`),
    '',
    '## What is held',
    '',
    ...heldLines(service),
  ].join('\n')
}

function heldLines({ data }: Service): string[] {
  return [
    '| data | special category | for what | kept |',
    '|---|---|---|---|',
    ...data.kinds.map(
      (kind) =>
        `| ${kind.name} | ${kind.special === 'assume-yes' ? 'assume yes' : kind.special ? 'yes' : 'no'} | ${kind.purpose ?? 'not stated'} | ${kind.retention ? durationWords(kind.retention) : 'not stated'}${kind.retentionFrom ? ` from ${kind.retentionFrom}` : ''} |`,
    ),
    '',
    `Classification: ${data.classification ?? 'not stated'}. Lawful basis: ${data.lawfulBasis ?? 'not stated'}. We are ${data.role}${data.controllers ? `; controllers: ${data.controllers}` : ''}. Recipients: ${data.recipients.join(', ') || 'none stated'}.`,
    ...(data.isolation
      ? [
          `Isolation by ${data.isolation.key}: ${data.isolation.enforcedBy.join(', ')}; proven by ${data.isolation.testedBy}.`,
        ]
      : []),
    ...(data.embargo ? [sentence(`Embargo: ${data.embargo}`)] : []),
    ...(data.disclosure
      ? [
          `Figures below ${data.disclosure.suppressBelow} are not shown${data.disclosure.secondary ? ', nor what they could be computed from' : ''}.`,
        ]
      : []),
    ...(data.automatedDecisions
      ? [
          '',
          '### Automated decisions',
          '',
          `${data.automatedDecisions.solely ? 'Solely automated' : 'With a person'}; to have it looked at again: ${lower(data.automatedDecisions.humanReview)}; explained: ${data.automatedDecisions.explanation}.${data.equality ? ` Results are compared by ${data.equality.watchBy.join(', ')}; no group above ${data.equality.limitTimesAverage} times the average.` : ''}`,
        ]
      : []),
  ]
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** How a failure shows, in words for somebody who knows no monitoring. */
function noticed(service: Service, { detect, silent }: FailureMode): string {
  const sli = sliOf(service, detect.sli)
  const says = detect.says ?? sli?.name ?? WAYS[detect.kind] ?? (sli ? wordsOf(sli) : undefined)
  const shows = detect.breach ? `${says ? `${says}: ` : ''}${detect.breach}` : (says ?? detect.kind)
  return silent ? `${shows}; nobody is shown an error` : shows
}

const WAYS: Readonly<Record<string, string>> = {
  ratio: 'how many people fail at a step',
  latency: 'how long people wait at a step',
  synthetic: 'our own walk through the journey fails',
  freshness: 'how old something has become',
  demand: 'how many people come',
  'shadow-difference': 'the new release compared with the old one before anybody meets it',
}

/** A risk of every service that holds something about people, unless a failure mode of its own is about it. */
function leakRow({ data, failureModes }: Service): string[] {
  if (
    failureModes.some(({ name, citizenSees }) =>
      /leak|disclos|somebody else sees|another.*sees|sees.*another/i.test(`${name} ${citizenSees}`),
    )
  )
    return []
  const kinds = data.kinds.filter(({ personal }) => personal).map(({ name }) => name)
  const noticedBy = data.isolation ? data.isolation.testedBy : 'no failure mode of the definition looks for it'
  const done = data.isolation
    ? `isolation by ${data.isolation.key}: ${data.isolation.enforcedBy.join(', ')}`
    : 'nothing is written down'
  return [
    `| Somebody sees data that is not theirs | ${kinds.join(', ')} in the hands of somebody else | ${noticedBy} | ${done} | a person decides |`,
  ]
}

/** Failure modes in which people's data is lost, wrong, out of reach, or seen by others; those are the risks that were thought of. */
function draftText(service: Service): string {
  const { data, journeys } = service
  const dpo = data.breach?.dpo ?? 'the data protection officer'
  return [
    `# Data protection impact assessment of "${service.service.name}": draft`,
    '',
    `Made from the definition; it is a draft until ${dpo} has given advice and the decision is made by: ${service.service.owner ?? 'service owner'}. Where it says “not stated”, somebody has to.`,
    '',
    '## 1. Why an assessment',
    '',
    ...criteriaOf(service)
      .filter(({ answer }) => answer === 'yes')
      .map(({ asks, because }) => `- ${asks} Yes: ${because}.`),
    ...(criteriaOf(service).every(({ answer }) => answer !== 'yes')
      ? ['- Nothing in the definition calls for one by itself; the open questions of the screening decide.']
      : []),
    '',
    '## 2. What is done with the data',
    '',
    ...journeys.map(
      (journey) => `- ${journey.name}: ${journey.outcome ? lower(journey.outcome) : 'its outcome is not stated'}.`,
    ),
    `- People served: ${service.service.usersPerYear === undefined ? 'not stated' : `${countOf(service.service.usersPerYear)} a year`}.`,
    `- It passes through: ${service.runtime.components.map(({ id, kind }) => `${id} (${kind})`).join(', ')}.`,
    `- Kept in: ${data.hostingRegion ?? 'not stated'}.`,
    ...othersOf(service.dependencies).map(
      ({ id, name, owner, kind }) =>
        `- Shared with ${name ?? id}, run by ${owner} (${kind}): which of the data below, and under which agreement?`,
    ),
    '',
    ...heldLines(service),
    '',
    '## 3. Who was asked',
    '',
    '| who | when | what they said |',
    '|---|---|---|',
    '| people who use the service | | |',
    ...(data.controllers ? [`| the controllers: ${data.controllers} | | |`] : []),
    `| ${dpo} | | |`,
    '',
    '## 4. Needed, and no more than needed',
    '',
    ...data.kinds
      .filter((kind) => kind.personal)
      .map(
        (kind) =>
          `- ${capital(kind.name)}: ${kind.purpose ? `used ${kind.purpose}` : 'what for is not stated'}. Would the service work without it? Is ${kind.retention ? durationWords(kind.retention) : 'the time it is kept'} needed?`,
      ),
    '',
    '## 5. Risks to people, and what is done about them',
    '',
    '| risk | what people meet | how it is noticed | what is done | left after that |',
    '|---|---|---|---|---|',
    ...modesOf(service).map(
      (mode) =>
        `| ${mode.name} | ${mode.citizenSees}; ${journeysOf(service, mode)[0]?.harmIfFails ?? 'harm not stated'} | ${noticed(service, mode)} | ${mode.act.first.says} (\`${runbookPath(mode)}\`) | a person decides |`,
    ),
    ...leakRow(service),
    '',
    ...(data.breach
      ? [
          '## 6. When it goes wrong',
          '',
          `${data.breach.hours} hours run from ${data.breach.starts}. ${sentence(`${data.breach.by ?? dpo} tells the regulator`)}${data.breach.tell.length > 0 ? ` Told${data.breach.tellWithinHours ? ` within ${data.breach.tellWithinHours} hours` : ''}: ${data.breach.tell.join(', ')}.` : ''}${data.breach.tellCitizens ? ` People affected are told ${data.breach.tellCitizens}.` : ''}`,
          '',
        ]
      : []),
    `## ${data.breach ? 7 : 6}. Decision`,
    '',
    '| role | agrees | reason | date |',
    '|---|---|---|---|',
    `| ${dpo} (advice) | | | |`,
    `| ${service.service.owner ?? 'service owner'} (decision) | | | |`,
    '',
    `It is looked at again when one of these happens: ${data.dpia?.triggers.join('; ') ?? 'the definition names no trigger, and that is a gap'}.`,
  ].join('\n')
}
