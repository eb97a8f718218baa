/** Is this service ready? Every box of the playbook's checkpoints, and its five reflection questions answered from them. */

import { listOf } from '../../words.ts'
import { productionJobs } from '../models/pipeline.ts'
import { waysBack } from '../rollback/ways.ts'
import { ROLLBACK_PROMISE_S } from '../rollback-time.ts'
import { type Box, type Facts, type Group, judged } from './box.ts'
import { gatesSeen, groupsOf } from './boxes.ts'

export interface Answer {
  /** The playbook's own words. */
  readonly question: string
  readonly answer: 'yes' | 'partly' | 'no' | 'cannot tell'
  /** In plain words, with the evidence or the gap. */
  readonly says: string
}

export interface Readiness {
  /** The public name, where a definition gives one. */
  readonly service?: string
  readonly groups: readonly Group[]
  readonly answers: readonly Answer[]
  readonly yes: number
  readonly no: number
  /** Boxes that only people can tell. */
  readonly person: number
}

/** Pure: the same files, findings and definition always give the same page. */
export function readinessOf(facts: Facts): Readiness {
  const groups = groupsOf(facts)
  const boxes = groups.flatMap((group) => group.boxes)
  const count = (state: Box['state']) => boxes.filter((box) => box.state === state).length
  return {
    ...(facts.service ? { service: facts.service.service.name } : {}),
    groups,
    answers: answersOf(facts, new Map(boxes.map((box) => [box.id, box]))),
    yes: count('yes'),
    no: count('no'),
    person: count('person'),
  }
}

function answersOf(facts: Facts, boxes: ReadonlyMap<string, Box>): readonly Answer[] {
  return [
    {
      question: 'Does your deployment pipeline catch the specific problems your service is likely to have?',
      ...catches(facts, boxes),
    },
    {
      question: 'Could a team member who has never touched your service follow your runbooks at 3am?',
      ...together(boxes, ['strangers', 'decisions', 'verified', 'runbooks']),
    },
    {
      question: 'Do your alerts detect problems before citizens notice, or after they complain?',
      ...together(boxes, ['alerts-first', 'thresholds']),
    },
    { question: 'What would happen if your service failed during its peak demand period?', ...atPeak(facts, boxes) },
    {
      question: 'How would you prove to an auditor that a specific deployment followed approved procedures?',
      ...proof(facts),
    },
  ]
}

type Said = Omit<Answer, 'question'>

function catches(facts: Facts, boxes: ReadonlyMap<string, Box>): Said {
  const seen = gatesSeen(facts)
  const { failed } = judged(facts, [
    'gate-tests',
    'gate-security-scan',
    'gate-accessibility',
    'gate-skippable',
    'deploy-after-failure',
    'build-goes-on',
  ])
  const own = boxes.get('tests-for-modes')!
  const deploys = facts.world.pipelines.some((pipeline) => productionJobs(pipeline).length > 0)
  const none = deploys
    ? 'No gate is visible before production.'
    : 'No pipeline of this repository deploys to production, so no gate is visible.'
  const gates = seen.length > 0 ? `The pipeline has ${listOf(seen.map((kind) => NAMES[kind] ?? kind))}.` : none
  const weak = failed[0] ? ` ${failed[0].says} (${failed[0].file}:${failed[0].line})` : ''
  // What the definition hopes of its gates is no evidence that they run.
  if (seen.length === 0 && own.state === 'yes')
    return { answer: deploys ? 'no' : 'cannot tell', says: `${gates}${weak} The definition says: ${own.because}` }
  if (own.state === 'yes' && failed.length === 0) return { answer: 'yes', says: `${gates} ${own.because}` }
  if (seen.length === 0 && own.state !== 'yes') return { answer: 'no', says: `${gates}${weak} ${own.because}` }
  return {
    answer: own.state === 'person' && failed.length === 0 ? 'cannot tell' : 'partly',
    says: `${gates}${weak} ${own.because}`,
  }
}

const NAMES: Readonly<Record<string, string>> = {
  tests: 'tests',
  security: 'a security scan',
  accessibility: 'an accessibility check',
}

/** Yes when all boxes say yes, no when none does, and partly between; the gaps are named. */
function together(boxes: ReadonlyMap<string, Box>, ids: readonly string[]): Said {
  const about = ids.map((id) => boxes.get(id)!)
  const gaps = about.filter((box) => box.state === 'no')
  const open = about.filter((box) => box.state === 'person')
  const good = about.filter((box) => box.state === 'yes')
  const says = [...gaps, ...open, ...good]
    .map((box) => `${box.because}${box.evidence[0] ? ` (${box.evidence[0]})` : ''}`)
    .filter((words, index, all) => all.indexOf(words) === index)
    .join(' ')
  if (gaps.length === about.length || (gaps.length > 0 && good.length === 0)) return { answer: 'no', says }
  if (gaps.length > 0) return { answer: 'partly', says }
  return { answer: open.length > 0 ? (good.length > 0 ? 'partly' : 'cannot tell') : 'yes', says }
}

function atPeak(facts: Facts, boxes: ReadonlyMap<string, Box>): Said {
  const { service } = facts
  const away = facts.world.tree.files.filter((file) =>
    /(unavailable|maintenance|shutter|503)[^/]*\.html?$/i.test(file.path),
  )
  const page = away[0] ? `Citizens would see ${away[0].path}.` : 'There is no page that says when the service is back.'
  if (!service) return { answer: 'cannot tell', says: `No service.yaml says when the peaks are. ${page}` }
  const [peak] = [...service.peaks].sort((a, b) => b.times - a.times)
  const late = waysBack(facts.world).some((answer) => 'way' in answer && answer.way.likely > ROLLBACK_PROMISE_S)
  const tight = [...service.journeys].sort((a, b) => a.tolerance.recoverMinutes - b.tolerance.recoverMinutes)[0]
  const load = boxes.get('load')!
  const peakWords = peak
    ? `The greatest peak is ${peak.name ?? peak.id}, ${peak.times} times the usual demand${peak.freeze ? '; no release may go out then' : ', and releases are not closed then'}.`
    : 'The definition names no peak.'
  const harm = tight
    ? `"${tight.name}" has to be back within ${tight.tolerance.recoverMinutes} min; after that ${lowerFirst(tight.harmIfFails)}.`
    : ''
  const gap = !peak?.freeze || late || load.state === 'no' || away.length === 0
  return { answer: gap ? 'partly' : 'yes', says: `${peakWords} ${harm} ${page} ${load.because}`.replace(/ +/g, ' ') }
}

function proof(facts: Facts): Said {
  const { failed, open } = judged(facts, [
    'deployment-record',
    'gate-approval',
    'deploy-identity',
    'trail-on',
    'stable-but-rolled-back',
  ])
  const holdfast = facts.world.tree.files.find(
    (file) =>
      /\bholdfast\s+(?:deploy start|prove pack)\b/.test(file.text) &&
      /workflows\/|Jenkinsfile|buildspec/.test(file.path),
  )
  const own = holdfast
    ? `Each deployment goes through Holdfast (${holdfast.path}): holdfast prove pack ID makes a folder that an auditor checks with holdfast prove verify.`
    : 'Deployments do not go through Holdfast, so the record is what the pipeline tool keeps.'
  const gaps = failed.slice(0, 3).map((finding) => `${finding.says} (${finding.file}:${finding.line})`)
  const unknown = [...new Set(open.map((finding) => `Not to be seen here: ${finding.needs}.`))].slice(0, 2)
  const says = [own, ...gaps, ...unknown].join(' ')
  if (holdfast && failed.length === 0) return { answer: open.length > 0 ? 'partly' : 'yes', says }
  return { answer: failed.length > 0 ? 'no' : 'partly', says }
}

function lowerFirst(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1)
}
