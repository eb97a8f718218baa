/** Can every alert and every CloudWatch alarm that wakes somebody fire? Tries each on made-up faults; silence in all of them is a no. */
import { provePaging } from '../check/alerts/paging.ts'
import { alertRules } from '../check/models/alert.ts'
import type { Tree } from '../check/tree.ts'
import { worldOf } from '../check/world.ts'
import type { Instant } from '../time.ts'
import { listOf, plural } from '../words.ts'
import { failed, type GateAnswer, passed } from './gate.ts'

const NAMED_MAX = 5

export function judgeAlerts(tree: Tree, now: Instant): GateAnswer {
  const world = worldOf(tree, now)
  const { unread } = alertRules(world)
  if (unread.length > 0)
    return failed(`${plural(unread.length, 'alert rule')} cannot be read: ${unread[0]!.name}, ${unread[0]!.problem}`)
  const { proofs, untried } = provePaging(world)
  if (proofs.length + untried.length === 0)
    return failed('No alert that wakes somebody was found, so nothing was proven.')
  const bad = proofs.filter(({ verdict }) => verdict !== 'fires')
  const figures = { alerts: proofs.map(({ alert, verdict, why }) => ({ alert, verdict, why })).slice(0, 300) }
  if (bad.length + untried.length === 0) {
    return passed(`${plural(proofs.length, 'paging alert')} fired on made-up faults, and ended with them.`, { figures })
  }
  const said = [
    ...bad.map(({ alert, verdict }) => `${alert} (${VERDICTS[verdict]})`),
    ...untried.map((name) => `${name} (not tried)`),
  ]
  const more = said.length > NAMED_MAX ? ' and more' : ''
  return failed(
    `${plural(said.length, 'paging alert')} of ${proofs.length + untried.length} not proven: ${listOf(said.slice(0, NAMED_MAX))}${more}. See: holdfast check alerts`,
    { figures },
  )
}

const VERDICTS = {
  fires: 'fires',
  never: 'never fires',
  always: 'always fires',
  latches: 'does not end',
  unknown: 'cannot tell; give the gate a `run` of promtool tests',
} as const
