/** The dashboard in CloudWatch: citizens first, then what to do; the same panels and lines as in Grafana. */
import type { Service } from '../define/schema.ts'
import { METRICS } from '../traffic/metrics.ts'
import { jobOf } from './alerts.ts'
import type { Alarm } from './cloudwatch.ts'
import { att, join, type Resource, ref, type Value } from './infra/model.ts'
import { modesOf, runbookPath } from './source.ts'

const WIDTH = 24

interface Widget {
  readonly type: 'metric' | 'text' | 'alarm'
  readonly width: number
  readonly height: number
  readonly properties: Record<string, unknown>
}

export function cloudwatchDashboard(service: Service, alarms: readonly Alarm[]): Resource {
  return {
    id: 'Dashboard',
    type: 'AWS::CloudWatch::Dashboard',
    props: {
      DashboardName: `${service.service.id}-citizens`,
      DashboardBody: withReferences(JSON.stringify({ widgets: placed(widgetsOf(service, alarms)) })),
    },
  }
}

/** Marks in the JSON where CloudFormation puts in what it knows: @{AWS::Region}, @{CitizensFail.Arn}. */
function withReferences(text: string): Value {
  const parts = text.split(/(@\{[^}]+\})/).map((part): Value => {
    const mark = /^@\{([^}.]+)(?:\.([^}]+))?\}$/.exec(part)
    if (!mark) return part
    return mark[2] ? att(mark[1]!, mark[2]) : ref(mark[1]!)
  })
  return join(...parts)
}

function widgetsOf(service: Service, alarms: readonly Alarm[]): readonly Widget[] {
  const namespace = jobOf(service)
  const journeys = service.journeys.filter((journey) => journey.steps.length > 0)
  const chart = (title: string, metrics: readonly unknown[], limit?: number): Widget => ({
    type: 'metric',
    width: WIDTH / 2,
    height: 6,
    properties: {
      title,
      region: '@{AWS::Region}',
      view: 'timeSeries',
      stat: 'Sum',
      period: 60,
      yAxis: { left: { min: 0 } },
      metrics,
      ...(limit === undefined ? {} : { annotations: { horizontal: [{ label: 'somebody is woken', value: limit }] } }),
    },
  })
  const line = (metric: string, journey: string, step: { readonly id: string; readonly name: string }) => [
    namespace,
    metric,
    'journey',
    journey,
    'step',
    step.id,
    { label: step.name },
  ]
  return [
    {
      type: 'text',
      width: WIDTH,
      height: 3,
      properties: {
        markdown: `# ${service.service.name}: how citizens are doing\nSomebody is woken at ${service.harmBudget.citizens} citizens harmed. One citizen counts once for each step.`,
      },
    },
    {
      type: 'alarm',
      width: WIDTH,
      height: 4,
      properties: {
        title: 'What wakes somebody',
        // Those that wake somebody first; the others tell what nobody is woken for, and have no other place.
        alarms: [...alarms.filter(({ page }) => page), ...alarms.filter(({ page }) => !page)].map(
          ({ id }) => `@{${id}.Arn}`,
        ),
      },
    },
    ...journeys.flatMap((journey) => [
      chart(
        `${journey.name}: citizens who failed, a minute`,
        journey.steps.map((step) => line(METRICS.bad.name, journey.id, step)),
        service.harmBudget.citizens,
      ),
      chart(
        `${journey.name}: citizens who tried, a minute`,
        journey.steps.map((step) => line(METRICS.tried.name, journey.id, step)),
      ),
    ]),
    {
      type: 'text',
      width: WIDTH,
      height: 6,
      properties: {
        markdown: [
          '## What to do',
          ...modesOf(service).map(
            (mode) =>
              `${mode.rank}. **${mode.name}**: ${mode.citizenSees}. First: ${mode.act.first.says}. \`${runbookPath(mode)}\``,
          ),
        ].join('\n'),
      },
    },
  ]
}

/** From left to right, top to bottom. */
function placed(widgets: readonly Widget[]): readonly Record<string, unknown>[] {
  let x = 0
  let y = 0
  let row = 0
  return widgets.map((widget) => {
    if (x + widget.width > WIDTH) {
      x = 0
      y += row
      row = 0
    }
    const at = { x, y }
    x += widget.width
    row = Math.max(row, widget.height)
    return { type: widget.type, ...at, width: widget.width, height: widget.height, properties: widget.properties }
  })
}
