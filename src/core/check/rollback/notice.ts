/** How long a platform takes to notice a fault through the alarms it watches. */
import { items, type Node, num, type Spot, spotOf, text } from '../formats/node.ts'
import { field, type Resource, referenceOf } from '../models/cloud.ts'

export interface Notice {
  /** Seconds from the fault until the alarm is in ALARM. */
  readonly seconds: number
  readonly sum: string
  readonly at: Spot
  readonly alarm: string
}

/**
 * An alarm's delay: M datapoints of one period each, and up to one period more because a fault begins inside one.
 * (CloudWatch user guide: DatapointsToAlarm equals EvaluationPeriods unless it is written.)
 */
export function noticeOf(alarm: Resource): Notice | undefined {
  const node = field(alarm, 'Period')
  const period = num(node)
  if (!node || period === undefined) return undefined
  const points = num(field(alarm, 'DatapointsToAlarm')) ?? num(field(alarm, 'EvaluationPeriods')) ?? 1
  return {
    seconds: period * points + period,
    sum: `${period} × ${points} + ${period} = ${period * points + period}`,
    at: spotOf(node),
    alarm: alarm.id,
  }
}

/** The first of these alarms to speak; undefined when none of them is in the tree. */
export function firstNotice(owner: Resource, names: Node | undefined, cloud: readonly Resource[]): Notice | undefined {
  const alarms = cloud.filter((resource) => resource.type === 'alarm')
  const found = items(names).flatMap((name) => {
    const inner = owner.resolve(name)
    const byName = alarms.find((alarm) => {
      const said = text(field(alarm, 'AlarmName'))
      return said !== undefined && said === text(inner)
    })
    // CodeDeploy's CloudFormation form is a list of { Name: … }.
    const named = inner.kind === 'map' ? inner.entries.get('Name')?.value : undefined
    const alarm = byName ?? referenceOf(owner, name, alarms) ?? referenceOf(owner, named, alarms)
    const notice = alarm && noticeOf(alarm)
    return notice ? [notice] : []
  })
  return found.sort((a, b) => a.seconds - b.seconds)[0]
}
