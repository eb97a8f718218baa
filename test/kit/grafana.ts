/** The part of Grafana's classic dashboard model (schema version 39) that the kit writes; anything else is refused. */
import * as z from 'zod'

const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.string() })
const gridPos = z.strictObject({
  x: z.number().int().min(0).max(23),
  y: z.number().int().min(0),
  w: z.number().int().min(1).max(24),
  h: z.number().int().min(1),
})
const base = { id: z.number().int().min(1), title: z.string().min(1), description: z.string().min(1), gridPos }
const thresholds = z.strictObject({
  mode: z.literal('absolute'),
  steps: z
    .array(z.strictObject({ color: z.string(), value: z.number().nullable() }))
    .min(1)
    .refine(
      (steps) => steps[0]!.value === null && steps.slice(1).every(({ value }) => value !== null),
      'the first step has no value',
    ),
})
const measured = {
  ...base,
  datasource,
  fieldConfig: z.strictObject({
    defaults: z.strictObject({
      unit: z.enum(['short', 'percentunit']),
      min: z.number().optional(),
      decimals: z.number().int().optional(),
      noValue: z.string().min(1),
      thresholds,
      custom: z.strictObject({ thresholdsStyle: z.strictObject({ mode: z.enum(['line', 'off']) }) }).optional(),
    }),
    overrides: z.array(z.never()),
  }),
  targets: z
    .array(
      z.strictObject({
        refId: z.string().regex(/^[A-Z]+$/),
        datasource,
        expr: z.string().min(1),
        legendFormat: z.string().min(1),
      }),
    )
    .min(1)
    .refine((targets) => new Set(targets.map(({ refId }) => refId)).size === targets.length, 'one refId a query'),
}

export const dashboard = z.strictObject({
  uid: z.string().regex(/^[\w-]{1,40}$/),
  title: z.string().min(1),
  description: z.string(),
  tags: z.array(z.string()),
  timezone: z.string(),
  schemaVersion: z.literal(39),
  version: z.number().int(),
  refresh: z.string(),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  annotations: z.strictObject({
    list: z.array(
      z.strictObject({
        name: z.string(),
        datasource,
        enable: z.boolean(),
        iconColor: z.string(),
        expr: z.string(),
        titleFormat: z.string(),
      }),
    ),
  }),
  templating: z.strictObject({
    list: z.array(
      z.strictObject({
        name: z.string(),
        type: z.literal('datasource'),
        query: z.literal('prometheus'),
        label: z.string(),
      }),
    ),
  }),
  panels: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('stat'), ...measured }),
        z.strictObject({ type: z.literal('timeseries'), ...measured }),
        z.strictObject({
          type: z.literal('text'),
          ...base,
          options: z.strictObject({ mode: z.literal('markdown'), content: z.string().min(1) }),
        }),
        z.strictObject({
          type: z.literal('alertlist'),
          ...base,
          options: z.strictObject({
            alertInstanceLabelFilter: z.string(),
            stateFilter: z.strictObject({ firing: z.boolean(), pending: z.boolean() }),
            viewMode: z.enum(['list', 'stat']),
          }),
        }),
      ]),
    )
    .min(1)
    .refine((panels) => new Set(panels.map(({ id }) => id)).size === panels.length, 'one id a panel')
    .refine(
      (panels) => panels.every(({ gridPos: { x, w } }) => x + w <= 24),
      'no panel hangs over the edge of 24 columns',
    )
    .refine(
      (panels) =>
        panels.every((a, i) =>
          panels
            .slice(i + 1)
            .every(
              ({ gridPos: b }) =>
                a.gridPos.x + a.gridPos.w <= b.x ||
                b.x + b.w <= a.gridPos.x ||
                a.gridPos.y + a.gridPos.h <= b.y ||
                b.y + b.h <= a.gridPos.y,
            ),
        ),
      'no panel covers another',
    ),
})

const source = z.strictObject({
  metricSource: z.strictObject({ type: z.literal('Prometheus'), spec: z.strictObject({ query: z.string().min(1) }) }),
})

/** OpenSLO v1, kind SLO, as far as the kit writes it (specification v1, "SLO"). */
export const openSlo = z.strictObject({
  apiVersion: z.literal('openslo/v1'),
  kind: z.literal('SLO'),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z0-9-]{1,63}$/), displayName: z.string() }),
  spec: z.strictObject({
    service: z.string(),
    description: z.string().max(1_050),
    budgetingMethod: z.literal('Occurrences'),
    timeWindow: z.array(z.strictObject({ duration: z.string().regex(/^\d+d$/), isRolling: z.literal(true) })).length(1),
    objectives: z.array(z.strictObject({ target: z.number().gt(0).lt(1) })).length(1),
    indicator: z.strictObject({
      metadata: z.strictObject({ name: z.string() }),
      spec: z.strictObject({
        ratioMetric: z.strictObject({ counter: z.literal(true), bad: source, total: source }),
      }),
    }),
  }),
})
