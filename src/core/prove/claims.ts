/**
 * What an evidence pack claims about one deployment, in sentences that an auditor reads, each with the entries it rests on. A claim is
 * proven only by entries that are there: without them it is "not proven", never true by default. "Not applicable" needs evidence too.
 */
import { durationOf, MINUTE } from '../time.ts'
import { listOf, plural } from '../words.ts'
import type { Story, Told } from './story.ts'

export type Verdict = 'proven' | 'not proven' | 'contradicted' | 'not applicable'

/** Where a claim looks: kinds of entries of the deployment, of its incidents, or of all deployments of the service meanwhile. */
export interface LooksAt {
  readonly of: 'deployment' | 'incidents' | 'service' | 'story'
  /** Empty: every kind. */
  readonly kinds: readonly string[]
}

export interface Claim {
  readonly id: string
  /** The claim as a sentence, true when proven. */
  readonly says: string
  readonly verdict: Verdict
  /** Why this verdict, in one sentence. */
  readonly because: string
  readonly looksAt: readonly LooksAt[]
  /** Every entry that was looked at; a checker finds exactly these again. */
  readonly evidence: readonly { readonly index: number; readonly leafHash: string }[]
  /** How a person can check it by hand. */
  readonly check: string
}

/** A rollback is promised within 15 minutes (playbook); we hold ourselves to two for taking the traffic away. */
export const ROLLBACK_MS_MAX = 2 * MINUTE

interface Rule {
  readonly id: string
  readonly says: string
  readonly looksAt: readonly LooksAt[]
  readonly check: string
  judge(seen: Seen, story: Story): readonly [Verdict, string]
}

/** The entries a rule looks at, by kind. */
interface Seen {
  readonly all: readonly Told[]
  of(kind: string): readonly Told[]
}

const deployment = (...kinds: string[]): LooksAt => ({ of: 'deployment', kinds })
const incidents = (...kinds: string[]): LooksAt => ({ of: 'incidents', kinds })
const ENDS = ['finished', 'refused', 'promoted']

const RULES: readonly Rule[] = [
  {
    id: 'requested',
    says: 'A named person asked for this release and said why.',
    looksAt: [deployment('deployment.requested')],
    check: 'Read the first entry: who asked, and the reason.',
    judge(seen) {
      const [request, ...more] = seen.of('deployment.requested')
      if (!request) return ['not proven', 'No request is in the log.']
      if (request.data === null) return ['not proven', 'The words of the request were deleted.']
      if (more.length > 0) return ['contradicted', 'It was requested more than once.']
      if (!isPerson(request.who))
        return ['contradicted', `It was requested by ${request.who || 'nobody'}, who is not a person.`]
      const reason = textOf(request, 'reason')
      return reason && reason !== 'no reason given'
        ? ['proven', `${request.who} asked for it: ${reason}`]
        : ['not proven', `${request.who} asked for it and gave no reason.`]
    },
  },
  {
    id: 'approved',
    says: 'Somebody other than the person who asked agreed to it, where the rules ask for that.',
    looksAt: [deployment('deployment.requested', 'approval.given', 'break-glass')],
    check: 'Compare the names in the approval and in the request.',
    judge(seen) {
      const [request] = seen.of('deployment.requested')
      const approvals = seen.of('approval.given')
      const needed = request?.data?.approvals
      // Glass that was broken for the window alone bypassed nobody.
      if (seen.of('break-glass').some(({ data }) => data?.approvals !== false))
        return ['contradicted', 'The approval was bypassed: see the break-glass entry and its reason.']
      if (approvals.some(({ who }) => who !== null && who === request?.who)) {
        return ['contradicted', `${request?.who} approved their own request.`]
      }
      if (!request?.data) return ['not proven', 'Without the request, nobody can tell whether an approval was needed.']
      if (needed === 0) return ['not applicable', 'The definition asks for no approval at that moment.']
      const people = new Set(approvals.map(({ who }) => who).filter(isPerson))
      const enough = typeof needed === 'number' ? needed : 1
      if (people.size >= enough)
        return ['proven', `${listOf([...people].map(String))} approved it; ${request.who} had asked.`]
      return [
        'not proven',
        people.size === 0 ? 'No approval is in the log.' : `${people.size} of ${enough} approvals are in the log.`,
      ]
    },
  },
  {
    id: 'gates',
    says: 'Every quality gate ran on this release and passed before it started.',
    looksAt: [deployment('gate.result', 'release.started')],
    check: 'Each gate has an entry with its result, and all are above the entry that the release started.',
    judge(seen) {
      const gates = seen.of('gate.result')
      if (gates.length === 0) return ['not proven', 'No result of any gate is in the log.']
      // What was asked again before the first move counts as it was then.
      const last = new Map(gates.map((gate) => [textOf(gate, 'gate'), gate]))
      const failed = [...last.values()].filter(({ data }) => data?.passed !== true)
      if (failed.length > 0)
        return [
          'contradicted',
          `${listOf(failed.map((gate) => textOf(gate, 'gate') || 'a gate'))} did not pass, could not run, or was skipped.`,
        ]
      const [started] = seen.of('release.started')
      if (started && gates.some(({ index }) => index > started.index))
        return ['contradicted', 'A gate ran only after the release had started.']
      return ['proven', `${plural(last.size, 'gate')} passed: ${listOf([...last.keys()])}.`]
    },
  },
  {
    id: 'schema-first',
    says: 'The database was widened before the new release started, so that both releases could use it.',
    looksAt: [deployment('schema.expanded', 'release.started')],
    check: 'The schema entry stands above the entry that the release started.',
    judge(seen) {
      const [expanded] = seen.of('schema.expanded')
      const [started] = seen.of('release.started')
      if (!expanded) {
        return started
          ? ['not applicable', 'This release started without a schema step.']
          : ['not proven', 'No schema step and no start are in the log.']
      }
      if (started && started.index < expanded.index)
        return ['contradicted', 'The release started before the schema step.']
      return ['proven', 'The schema step ended before the release started.']
    },
  },
  {
    id: 'tried-privately',
    says: 'A synthetic citizen completed the journey on the new release before any real citizen met it.',
    looksAt: [deployment('verified', 'weight.changed', 'refused', 'finished')],
    check: 'The entry "verified" stands above the first entry that gave the release citizens.',
    judge(seen) {
      const [verified] = seen.of('verified')
      const [met] = seen.of('weight.changed')
      if (!met) {
        const ended = seen.of('refused').length + seen.of('finished').length > 0
        return ended
          ? ['not applicable', 'No citizen ever met this release.']
          : ['not proven', 'The log does not say how this ended.']
      }
      if (!verified) return ['contradicted', 'Citizens met the release, and no private trial is in the log.']
      return verified.index < met.index
        ? ['proven', `It completed ${String(verified.data?.steps ?? 'all')} steps first.`]
        : ['contradicted', 'Citizens met the release before the private trial.']
    },
  },
  {
    id: 'small-steps',
    says: 'Citizens met the release in steps, each taken on measured evidence.',
    looksAt: [deployment('weight.changed', 'refused', 'finished')],
    check: 'Each change of weight has its sentence, and after the first one its counts of sessions and failures.',
    judge(seen) {
      const changes = seen.of('weight.changed')
      if (changes.length === 0) {
        const ended = seen.of('refused').length + seen.of('finished').length > 0
        return ended
          ? ['not applicable', 'No citizen ever met this release.']
          : ['not proven', 'No step is in the log.']
      }
      if (changes.some(({ data }) => data === null)) return ['not proven', 'The words of a step were deleted.']
      const blind = changes.filter(
        ({ data }) =>
          Number(data?.weight) > Number(data?.before) && Number(data?.before) > 0 && data?.canarySessions === undefined,
      )
      if (blind.length > 0)
        return ['contradicted', `${plural(blind.length, 'step')} gave it more citizens without counts.`]
      const highest = Math.max(...changes.map(({ data }) => Number(data?.weight)))
      return ['proven', `${plural(changes.length, 'step')}, up to ${Math.round(highest * 100)} % of new sessions.`]
    },
  },
  {
    id: 'decided-on-evidence',
    says: 'Whether the release stays was decided on evidence, or by a named person.',
    looksAt: [deployment('evidence.proof', 'rollback.decided', 'promoted', 'refused', 'release.not-started')],
    check: 'Read the sentence of the decision: it names the counts, or the person and the reason.',
    judge(seen) {
      const [decided] = [...seen.of('promoted'), ...seen.of('rollback.decided'), ...seen.of('refused')].slice(-1)
      if (!decided) return ['not proven', 'No decision is in the log.']
      if (!decided.why) return ['not proven', 'The words of the decision were deleted.']
      if (isPerson(decided.who)) return ['proven', `${decided.who} decided: ${decided.why}`]
      if (decided.kind === 'rollback.decided') {
        const [proof] = seen.of('evidence.proof')
        // Taken back for another reason than citizens' sessions (blind, dead, failed in private): the sentence is the evidence.
        return ['proven', proof && proof.index < decided.index ? (proof.why ?? decided.why) : decided.why]
      }
      return ['proven', decided.why]
    },
  },
  {
    id: 'taken-back-in-time',
    says: `When it was decided to take the release back, every citizen was on the old one within ${durationOf(ROLLBACK_MS_MAX)}.`,
    looksAt: [deployment('rollback.decided', 'rollback.confirmed', 'rollback.unconfirmed', ...ENDS)],
    check: 'Subtract the time of the decision from the time of the confirmation.',
    judge(seen) {
      const [decided] = seen.of('rollback.decided')
      const [confirmed] = seen.of('rollback.confirmed')
      if (!decided) {
        const ended = ENDS.some((kind) => seen.of(kind).length > 0)
        if (confirmed) return ['contradicted', 'A rollback is confirmed that nobody decided.']
        return ended
          ? ['not applicable', 'It was not taken back.']
          : ['not proven', 'The log does not say how this ended.']
      }
      if (seen.of('rollback.unconfirmed').length > 0)
        return ['contradicted', 'It could not be confirmed in time, and a person was paged.']
      if (!confirmed) return ['not proven', 'No confirmation is in the log.']
      const took = (numberOf(confirmed, 'appliedAt') ?? confirmed.at) - (numberOf(confirmed, 'decidedAt') ?? decided.at)
      const says = `Traffic was back ${durationOf(Math.max(0, took))} after the decision.`
      return [took <= ROLLBACK_MS_MAX ? 'proven' : 'contradicted', says]
    },
  },
  {
    id: 'nothing-dropped',
    says: 'No citizen request failed because of the deployment itself.',
    looksAt: [deployment('finished', 'refused')],
    check: 'Read "failedByDeployment" in the last entry: it is counted by the traffic layer.',
    judge(seen) {
      const [end] = seen.of('finished')
      if (!end) {
        return seen.of('refused').length > 0
          ? ['not applicable', 'It was refused before traffic was touched.']
          : ['not proven', 'The deployment has no closing entry.']
      }
      const failed = numberOf(end, 'failedByDeployment')
      if (failed === null) return ['not proven', 'The closing entry has no count.']
      return failed === 0
        ? ['proven', 'The traffic layer counted 0.']
        : ['contradicted', `The traffic layer counted ${failed}.`]
    },
  },
  {
    id: 'person-woken',
    says: 'When citizens were harmed, the person on call was paged, and the page was taken.',
    looksAt: [
      deployment('rollback.decided', 'weight.changed', ...ENDS),
      incidents('incident.opened', 'page.due', 'page.accepted', 'page.exhausted', 'page.no-route'),
    ],
    check: 'Compare the moment of the decision with the moment the page was taken.',
    judge(seen) {
      const [decided] = seen.of('rollback.decided')
      if (!decided) {
        const ended = ENDS.some((kind) => seen.of(kind).length > 0)
        return ended
          ? ['not applicable', 'It was not taken back.']
          : ['not proven', 'The log does not say how this ended.']
      }
      if (seen.of('weight.changed').length === 0) return ['not applicable', 'No citizen had met the release.']
      if (seen.of('incident.opened').length === 0) return ['not proven', 'No incident is in the log.']
      const [taken] = seen.of('page.accepted')
      if (!taken)
        return [seen.of('page.exhausted').length > 0 ? 'contradicted' : 'not proven', 'No page was taken by anybody.']
      const role = textOf(taken, 'role') || 'person on call'
      return ['proven', `The ${role} was paged ${durationOf(Math.max(0, taken.at - decided.at))} after the decision.`]
    },
  },
  {
    id: 'person-answered',
    says: 'Somebody answered the page.',
    looksAt: [incidents('incident.opened', 'incident.acked'), deployment(...ENDS)],
    check: 'Read who took the incident, and when.',
    judge(seen) {
      const [opened] = seen.of('incident.opened')
      const [acked] = seen.of('incident.acked')
      if (acked) return ['proven', acked.why ?? 'The words were deleted, the entry is there.']
      if (opened) return ['not proven', 'Nobody has answered so far.']
      const ended = ENDS.some((kind) => seen.of(kind).length > 0)
      return ended
        ? ['not applicable', 'No incident was opened.']
        : ['not proven', 'The log does not say how this ended.']
    },
  },
  {
    id: 'words-approved',
    says: 'Nothing was published that a person had not read and approved.',
    looksAt: [incidents('comms.approved', 'comms.published', 'incident.opened'), deployment(...ENDS)],
    check: 'Each publication has an approval above it, of the same draft and version, by a person.',
    judge(seen) {
      const out = seen.of('comms.published')
      if (out.length === 0) {
        const ended = ENDS.some((kind) => seen.of(kind).length > 0)
        return ended
          ? ['not applicable', 'Nothing was published.']
          : ['not proven', 'The log does not say how this ended.']
      }
      const approvals = seen.of('comms.approved')
      const fits = (ok: Told, one: Told) =>
        ok.index < one.index &&
        isPerson(ok.who) &&
        ok.subject === one.subject &&
        ok.data?.draft === one.data?.draft &&
        ok.data?.version === one.data?.version
      const without = out.filter((one) => !approvals.some((ok) => fits(ok, one)))
      if (without.length > 0) {
        return ['contradicted', `${plural(without.length, 'publication')} has no approval of the same words.`]
      }
      const by = new Set(approvals.filter((ok) => out.some((one) => fits(ok, one))).map(({ who }) => String(who)))
      return ['proven', `${plural(out.length, 'publication')}, approved by ${listOf([...by])}.`]
    },
  },
  {
    id: 'alone',
    says: 'No other deployment of this service began while this one ran.',
    looksAt: [{ of: 'service', kinds: ['deployment.requested'] }],
    check:
      'Look through entries.ndjson for "deployment.requested" of this service between the first and the last entry.',
    judge(seen, story) {
      const others = seen.all.filter(({ subject }) => subject !== story.deployment)
      if (others.length > 0) return ['contradicted', `${listOf(others.map(({ subject }) => subject))} began meanwhile.`]
      return seen.all.length > 0
        ? ['proven', 'It is the only one between its first and its last entry.']
        : ['not proven', 'Its own request is missing.']
    },
  },
  {
    id: 'whole',
    says: 'The story has a beginning and an end, and its moments are in order.',
    looksAt: [{ of: 'story', kinds: [] }],
    check: 'The first entry is the request, the deployment has a last one, and times never go back.',
    judge(seen, story) {
      const own = seen.all.filter(({ subject }) => subject === story.deployment)
      if (own[0]?.kind !== 'deployment.requested') return ['not proven', 'It does not begin with a request.']
      if (!own.some(({ kind }) => ENDS.includes(kind))) return ['not proven', 'It has not ended.']
      const back = seen.all.findIndex((entry, i) => i > 0 && entry.at < seen.all[i - 1]!.at)
      if (back > 0) return ['contradicted', `Entry ${seen.all[back]!.index} is dated before the one above it.`]
      return ['proven', `${plural(seen.all.length, 'entry', 'entries')} in order.`]
    },
  },
  {
    id: 'undeleted',
    says: 'No words of this story were deleted.',
    looksAt: [{ of: 'story', kinds: [] }],
    check: 'Every entry shows its words; a deletion is an entry of its own, with who and why.',
    judge(seen) {
      if (seen.all.length === 0) return ['not proven', 'There is no story.']
      const gone = seen.all.filter(({ data }) => data === null)
      if (gone.length === 0) return ['proven', 'All are there.']
      return [
        'contradicted',
        `The words of ${plural(gone.length, 'entry', 'entries')} were deleted: ${listOf(gone.map(({ index }) => String(index)))}. Their hashes still stand.`,
      ]
    },
  },
]

/** All claims about a deployment, in the order an auditor asks. */
export function claimsOf(story: Story): Claim[] {
  return RULES.map((rule) => {
    const all = seenBy(rule.looksAt, story)
    const seen: Seen = { all, of: (kind) => all.filter((entry) => entry.kind === kind) }
    const [verdict, because] = rule.judge(seen, story)
    const evidence = all.map(({ index, leafHash }) => ({ index, leafHash }))
    return { id: rule.id, says: rule.says, verdict, because, looksAt: rule.looksAt, evidence, check: rule.check }
  })
}

/** What no log of ours can show, said in every pack. */
export const NOT_CLAIMED: readonly string[] = [
  'That no change was made outside Holdfast. Compare with the cloud account\u2019s own trail and the registry.',
  'That this log is the only one. Whoever holds its key could write another from the start; a witness outside would notice.',
  'That what a person wrote as a reason is true.',
]

function seenBy(places: readonly LooksAt[], story: Story): Told[] {
  const found = new Map<number, Told>()
  for (const { of, kinds } of places) {
    const pool = of === 'service' ? story.requests : story.entries
    for (const entry of pool) {
      const own = entry.subject === story.deployment
      const here = of === 'service' || of === 'story' || (of === 'deployment') === own
      if (here && (kinds.length === 0 || kinds.includes(entry.kind))) found.set(entry.index, entry)
    }
  }
  return [...found.values()].sort((a, b) => a.index - b.index)
}

function isPerson(who: string | null): who is string {
  return who !== null && who !== '' && who !== 'holdfast'
}

function textOf(entry: Told, key: string): string {
  const value = entry.data?.[key]
  return typeof value === 'string' ? value : ''
}

function numberOf(entry: Told, key: string): number | null {
  const value = entry.data?.[key]
  return typeof value === 'number' ? value : null
}
