/** Runs at wall times of London, never of UTC: an hour out in summer is a payment file that misses the bank. */
import type { Component, Service } from '../../define/schema.ts'
import { noted, type Part, pascal, type Props, ref, type Resource } from './model.ts'

const nameOf = (service: Service, component: Component, local: string) =>
  `${service.service.id}-${component.id}-${local.replace(':', '')}`

/** Names of the schedules of a component. */
export function scheduleNames(service: Service, component: Component): readonly string[] {
  return (component.schedule?.local ?? []).map((local) => nameOf(service, component, local))
}

/** One schedule for each wall time of the component. `target`: what is started. */
export function scheduleParts(service: Service, component: Component, target: Props): Part {
  const { schedule } = component
  if (!schedule) return { parameters: [], resources: [] }
  const week = schedule.days === 'working-days' ? 'MON-FRI' : '*'
  const days =
    schedule.days === 'every-day'
      ? 'every day'
      : schedule.days === 'working-days'
        ? 'Monday to Friday; the run itself asks whether it is a bank holiday'
        : `every day; the run itself asks the calendar ${schedule.days}`
  return {
    parameters: [{ name: 'SchedulerRoleArn', type: 'String', says: 'Role with which the scheduler starts runs' }],
    resources: schedule.local.map((local): Resource => {
      const [hour, minute] = local.split(':')
      return {
        id: `${pascal(component.id)}At${hour}${minute}`,
        type: 'AWS::Scheduler::Schedule',
        why: [
          ...(schedule.doneBy
            ? [
                `Must be done by ${schedule.doneBy}${schedule.typicalMinutes ? `; takes ${schedule.typicalMinutes} min` : ''}.`,
              ]
            : []),
          ...(schedule.needs
            ? [`Needs: ${schedule.needs}.${schedule.otherwise ? ` Otherwise: ${schedule.otherwise}.` : ''}`]
            : []),
          ...(schedule.overlap === 'forbid'
            ? ['Two runs may not overlap: the run takes a lock, and the second one ends.']
            : []),
        ],
        props: {
          Name: nameOf(service, component, local),
          ScheduleExpression: noted(`cron(${Number(minute)} ${Number(hour)} ? * ${week} *)`, `${local}, ${days}`),
          ScheduleExpressionTimezone: service.service.timezone,
          FlexibleTimeWindow: { Mode: 'OFF' },
          Target: {
            ...target,
            RoleArn: ref('SchedulerRoleArn'),
            RetryPolicy: {
              MaximumRetryAttempts: 2,
              MaximumEventAgeInSeconds: noted(
                Math.max(60, (schedule.typicalMinutes ?? 5) * 60),
                `a start that comes later than a usual run takes (${schedule.typicalMinutes ?? 5} min) comes too late`,
              ),
            },
          },
        },
      }
    }),
  }
}
