/** Checks a configuration that came from outside, and names everything that is wrong with it at once. */
import { z } from 'zod'
import { loadManifest } from '../core/shadow/manifest.ts'
import type { TrafficConfig } from '../ports/traffic.ts'

const name = z.string().min(1).max(200)
const whole = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const arm = z.enum(['stable', 'canary'])

const armConfig = z.strictObject({
  release: name,
  backends: z
    .array(z.strictObject({ id: name, host: z.string().min(1).max(255), port: z.number().int().min(1).max(65_535) }))
    .max(64),
})

const step = z.strictObject({
  journey: name,
  step: name,
  method: z.string().regex(/^[A-Z]{1,20}$/),
  route: z.string().max(1_000).regex(/^\//),
  okStatus: z.array(z.number().int().min(100).max(599)).min(1).max(100),
  marker: z.string().min(1).max(1_000).optional(),
  limitMs: z.number().min(1).max(600_000),
})

const shadow = z.strictObject({
  to: arm,
  inFlightMax: z.number().int().min(1).max(1_000),
  run: name,
  manifest: z
    .string()
    .max(256 * 1_024)
    .refine((text) => loadManifest(text, 'manifest').findings.length === 0, 'is no manifest of intended differences'),
  tolerance: z.number().min(0).max(1e6),
  unsafe: z.array(z.string().min(1).max(401)).max(500),
})

const ring = z.strictObject({
  id: z.string().min(1).max(60),
  tenants: z.array(z.string().min(1).max(63)).max(500),
  weight: z.number().min(0).max(1),
})

const tenants = z.strictObject({
  where: z.discriminatedUnion('in', [
    z.strictObject({ in: z.literal('path'), at: z.number().int().min(0).max(20) }),
    z.strictObject({ in: z.literal('header'), header: z.string().regex(/^[a-z0-9-]{1,100}$/) }),
    z.strictObject({ in: z.literal('host') }),
  ]),
  rings: z.array(ring).max(20),
  rest: z.strictObject({ id: z.string().min(1).max(60), weight: z.number().min(0).max(1) }).optional(),
})

const config = z
  .strictObject({
    epoch: whole,
    version: whole,
    stable: armConfig,
    canary: armConfig.optional(),
    weight: z.number().min(0).max(1),
    generation: whole,
    moveFrom: arm.optional(),
    tenants: tenants.optional(),
    shadow: shadow.optional(),
    steps: z.array(step).max(500),
    probe: z.strictObject({
      header: z.string().regex(/^[\w-]{1,100}$/),
      secret: z.string().max(500),
    }),
    healthPath: z.string().max(1_000).regex(/^\//),
  })
  .superRefine((value, wrong) => {
    const ids = [...value.stable.backends, ...(value.canary?.backends ?? [])].map(({ id }) => id)
    for (const id of new Set(ids.filter((each, i) => ids.indexOf(each) !== i))) {
      wrong.addIssue({ code: 'custom', message: `backend id "${id}" is used twice` })
    }
    if (!value.canary && value.weight > 0) {
      wrong.addIssue({ code: 'custom', path: ['weight'], message: 'there is no canary that could get a share' })
    }
  })

/** The configuration, or every reason why it is none. */
export function readConfig(input: unknown): TrafficConfig | { readonly reasons: readonly string[] } {
  const read = config.safeParse(input)
  if (read.success) return read.data as TrafficConfig
  return { reasons: read.error.issues.map(({ path, message }) => `${path.join('.') || 'configuration'}: ${message}`) }
}
