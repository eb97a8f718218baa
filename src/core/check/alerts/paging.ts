/** The alerts and alarms that wake somebody, each tried on every fault: what a gate and the readiness page ask. */
import type { Service } from '../../define/schema.ts'
import { type Alarm, alarmsOf } from '../models/alarm.ts'
import { alertRules, pages } from '../models/alert.ts'
import type { World } from '../world.ts'
import { proveAlarms } from './cloudwatch.ts'
import { DEMAND, type Demand, type Proof, proveAlerts } from './prove.ts'

export interface Paging {
  readonly proofs: readonly Proof[]
  /** Names of those that wake somebody and were not tried, because there are too many. */
  readonly untried: readonly string[]
}

/** Prometheus rules of a paging severity, and CloudWatch alarms that act on something other than capacity. Pure. */
export function provePaging(world: World, demand: Demand = DEMAND): Paging {
  const rules = new Set(
    alertRules(world)
      .alerts.filter(pages)
      .map(({ name }) => name),
  )
  const alarms = new Set(
    alarmsOf(world.cloud)
      .filter(wakes)
      .map(({ name }) => name),
  )
  const proofs = [
    ...(rules.size > 0 ? proveAlerts(world, demand).filter(({ alert }) => rules.has(alert)) : []),
    ...(alarms.size > 0 ? proveAlarms(world, demand).filter(({ alert }) => alarms.has(alert)) : []),
  ]
  const tried = new Set(proofs.map(({ alert }) => alert))
  return { proofs, untried: [...rules, ...alarms].filter((name) => !tried.has(name)) }
}

/** An alarm that adds or removes machines wakes nobody. */
function wakes({ actions, actionsOn }: Alarm): boolean {
  return actionsOn && actions.some((action) => !/scal|:automate:|:swf:/i.test(action))
}

/** Requests a minute in the quietest and the busiest hour, over all journeys of a definition. */
export function demandOf(service: Pick<Service, 'journeys'> | undefined): Demand {
  const rates = (service?.journeys ?? []).flatMap(({ demand }) => (demand ? [demand] : []))
  if (rates.length === 0) return DEMAND
  return {
    low: Math.max(0.1, Math.min(...rates.map(({ nightPerMinute }) => nightPerMinute))),
    peak: Math.max(1, ...rates.map(({ peakPerMinute }) => peakPerMinute)),
  }
}
