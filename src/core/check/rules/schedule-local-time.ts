import { child, items, type Node, type Spot, spotOf, text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { cronHour, localTimes, mayRunInSummer } from '../models/cron.ts'
import { isDeploy } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'

const DUTY =
  /deploy|release|publish|open|close|payment|pay-?run|letter|notify|remind|report|deadline|freeze|window|shutter|maintenance/i

export const scheduleLocalTime: Rule = {
  id: 'schedule-local-time',
  question: 7,
  title: 'What has to happen at a time in London is scheduled in London time',
  formats: ['github-workflow', 'kubernetes', 'cloudformation', 'terraform'],
  severity: 'warn',
  reach: 2,
  harm: 'For seven months of the year it happens an hour late: a service opens at 10 instead of 9, a payment file misses its cut-off.',
  defaults: 'GitHub schedules, CronJobs without timeZone and EventBridge rules count in UTC.',
  fix: 'Say the zone: timezone: Europe/London (GitHub), timeZone: Europe/London (CronJob), EventBridge Scheduler with ScheduleExpressionTimezone.',
  cites: 'GitHub documentation: schedule; Kubernetes documentation: CronJob time zones',
  bad: {
    'k8s/payments.yaml':
      'apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: payment-run }\nspec:\n  schedule: "0 9 * * *"\n  jobTemplate: {}\n',
  },
  good: {
    'k8s/payments.yaml':
      'apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: payment-run }\nspec:\n  schedule: "0 9 * * *"\n  timeZone: Europe/London\n  jobTemplate: {}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const { name, cron, zone, aws, at } of schedules(world)) {
      const when = cronHour(cron)
      if (!when || !DUTY.test(name)) continue
      if (zone !== undefined && !/^(UTC|Etc\/UTC|GMT)$/i.test(zone)) {
        if (when.hour === 1)
          yield fail(
            at,
            `${name} runs between 01:00 and 02:00 in ${zone}, an hour that is missing once a year and comes twice once a year.`,
          )
        else yield pass(at)
        continue
      }
      // A report that is made while everybody sleeps may as well be made an hour later.
      if (when.hour < 5 && /report|maintenance/i.test(name) && !/payment|letter|deadline/i.test(name)) {
        yield pass(at)
        continue
      }
      // A day in winter has the same time in both.
      if (!mayRunInSummer(cron, aws)) {
        yield pass(at)
        continue
      }
      const { winter, summer } = localTimes(when.hour, when.minute)
      yield fail(at, `${name} runs at ${winter} in winter and at ${summer} in summer, London time.`, {
        arithmetic: `"${cron}" in UTC; London is UTC+1 from the last Sunday of March to the last of October`,
      })
    }
  },
}

interface Schedule {
  readonly name: string
  readonly cron: string
  readonly zone?: string
  /** Written as EventBridge reads it. */
  readonly aws: boolean
  readonly at: Spot
}

function schedules(world: World): readonly Schedule[] {
  const found: Schedule[] = []
  const add = (
    name: string,
    node: Node | undefined,
    cron: string | undefined,
    zone: string | undefined,
    aws = false,
  ) => {
    if (node && cron !== undefined)
      found.push({ name, cron, aws, at: spotOf(node), ...(zone === undefined ? {} : { zone }) })
  }
  for (const pipeline of world.pipelines) {
    const list = items(child(pipeline.node, 'on', 'schedule'))
    const deploys = pipeline.jobs.some((job) => job.steps.some(isDeploy))
    for (const item of list) {
      const cron = child(item, 'cron')
      add(deploys ? `deploy (${pipeline.name})` : pipeline.name, cron, text(cron), text(child(item, 'timezone')))
    }
  }
  for (const object of world.kube.filter((candidate) => candidate.kind === 'CronJob' && candidate.production)) {
    const node = child(object.node, 'spec', 'schedule')
    const written = text(node)
    const inline = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(written ?? '')
    add(object.name, node, inline?.[2] ?? written, text(child(object.node, 'spec', 'timeZone')) ?? inline?.[1])
  }
  for (const rule of world.cloud.filter((resource) => resource.type === 'event-rule' || resource.type === 'schedule')) {
    const node = field(rule, 'ScheduleExpression')
    const cron = /^cron\((.*)\)$/.exec(text(node) ?? '')?.[1]
    add(rule.id, node, cron, text(field(rule, 'ScheduleExpressionTimezone')), true)
  }
  return found
}
