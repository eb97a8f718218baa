/** The boxes of the playbook's checkpoints about alerts: do they fire in time, and do their thresholds come from what citizens meet? */
import { plural } from '../../words.ts'
import { demandOf, provePaging } from '../alerts/paging.ts'
import type { Proof } from '../alerts/prove.ts'
import { text } from '../formats/node.ts'
import { alarmsOf } from '../models/alarm.ts'
import { alertRules } from '../models/alert.ts'
import { field } from '../models/cloud.ts'
import { type Box, byRules, type Facts, filesWith, placeOf } from './box.ts'

export function thresholds(facts: Facts): Box {
  const id = 'thresholds'
  const says = 'Alert thresholds derive from your service’s citizen impact analysis'
  const { alerts } = alertRules(facts.world)
  const alarms = alarmsOf(facts.world.cloud)
  const derived = filesWith(facts, /threshold[^/]*\.(md|html?)$/i)
  if (derived.length > 0)
    return {
      id,
      says,
      state: 'yes',
      because: 'A page derives them.',
      evidence: derived.slice(0, 3).map((file) => file.path),
    }
  const all = [
    ...alerts.map(({ at, annotations }) => ({ at, words: [...annotations.values()].join(' ') })),
    ...alarms.map(({ at, resource }) => ({ at, words: text(field(resource, 'AlarmDescription')) ?? '' })),
  ]
  if (all.length === 0)
    return { id, says, state: 'no', because: 'There are no alerts in this repository.', evidence: [] }
  const explained = all.filter(({ words }) => /citizen|applicant|claimant|user|submi|journey/i.test(words))
  return explained.length === all.length
    ? {
        id,
        says,
        state: 'person',
        because: 'Each alert says what citizens meet; that its threshold comes from there, a person has to say.',
        evidence: [],
      }
    : {
        id,
        says,
        state: 'no',
        because: `${all.length - explained.length} of ${plural(all.length, 'alert')} do not say what citizens meet, and no page derives the thresholds.`,
        evidence: all
          .filter((alert) => !explained.includes(alert))
          .slice(0, 5)
          .map((alert) => placeOf(alert.at)),
      }
}

export function alertsFirst(facts: Facts): Box {
  const id = 'alerts-first'
  const says = 'Alerts fire before citizens would notice problems'
  const byFiles = byRules(
    facts,
    id,
    says,
    [
      'alert-can-fire',
      'alert-in-time',
      'alert-window',
      'alert-fallback',
      'alert-series-exist',
      'alarm-can-fire',
      'alarm-in-time',
      'alarm-silence',
      'alarm-acts',
      'canary-outlasts-alarm',
    ],
    {
      yes: 'Each alert can fire, and within minutes.',
      none: 'There are no alerts in this repository.',
      absent: 'no',
    },
  )
  if (byFiles.state === 'no') return byFiles
  const { proofs, untried } = provePaging(facts.world, demandOf(facts.service))
  const because = (state: Box['state'], words: string, some: readonly Proof[]): Box => ({
    id,
    says,
    state,
    because: words,
    evidence: some.slice(0, 5).map(({ at }) => placeOf(at)),
  })
  const bad = proofs.filter(({ verdict }) => verdict !== 'fires' && verdict !== 'unknown')
  const late = proofs.filter((proof) => proof.late)
  const open = proofs.filter(({ verdict }) => verdict === 'unknown')
  if (bad[0]) return because('no', `${bad[0].alert}: ${bad[0].why}${andMore(bad)}`, bad)
  if (late[0]) return because('no', `${late[0].alert} sees a total outage too late.${andMore(late)}`, late)
  if (proofs.length === 0)
    return because('person', 'No alert here says that it wakes somebody; which of them does, a person has to say.', [])
  if (open.length + untried.length > 0)
    return because(
      'person',
      `${plural(open.length + untried.length, 'alert')} that wake somebody could not be tried: ${open[0]?.alert ?? untried[0]}.`,
      open,
    )
  return because(
    'yes',
    `${plural(proofs.length, 'alert')} that wake somebody fired on made-up faults, in time.`,
    proofs,
  )
}

function andMore(proofs: readonly Proof[]): string {
  return proofs.length > 1 ? ` And ${proofs.length - 1} more.` : ''
}
