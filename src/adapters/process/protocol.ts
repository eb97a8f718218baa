/** What goes over the supervisor's socket. Every message is checked here, because a socket is an outside. */
import { z } from 'zod'
import type { ReleaseSpec } from '../../ports/runtime.ts'
import type { Fleet } from './fleet.ts'

/** Bytes of one message. */
export const BODY_MAX = 1_048_576
/** The longest that one question waits for its answer, in ms; who wants to wait longer asks again. */
export const WAIT_MS_MAX = 2_000
/** The longest time a release may take to start or stop, in ms. */
const HOUR_MS = 3_600_000
const LOG_MAX = 1_048_576

const release = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a release name has letters, digits, dots and dashes')
const epoch = z.int().min(0)
const waitMs = z.int().min(0).max(WAIT_MS_MAX)

const path = z.string().regex(/^\/[^:,\n]*$/, 'a full path without colon or comma')

const container = z.strictObject({
  // A word that begins with a dash would be an option of the container engine.
  image: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,500}$/, 'an image has a name, and a digest after @'),
  memoryMb: z.int().min(4).max(16_777_216).optional(),
  cpus: z.number().min(0.01).max(1_024).optional(),
  network: z.enum(['host', 'published']).optional(),
  mounts: z
    .array(z.strictObject({ from: path, to: path, readOnly: z.boolean().optional() }))
    .max(20)
    .optional(),
  writable: z.array(path).max(20).optional(),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_:.-]{0,63}$/)
    .optional(),
  engine: z.array(z.string().min(1).max(4_096)).min(1).max(50).optional(),
})

const spec = z.strictObject({
  epoch,
  service: z.string().min(1).max(200),
  release,
  replicas: z.int().min(1).max(100),
  command: z.array(z.string().max(8_192)).max(200),
  folder: z.string().min(1).max(4_096),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(65_536)),
  readyPath: z.string().startsWith('/').max(2_048),
  startMsMax: z.int().min(1).max(HOUR_MS),
  stopMsMax: z.int().min(0).max(HOUR_MS),
  container: container.optional(),
})

const start = z.strictObject({ spec, attempt: z.string().min(1).max(100), waitMs })
const stop = z.strictObject({ release, epoch, waitMs })
const stopReplicas = z.strictObject({ release, instances: z.array(z.string().max(100)).max(500), epoch, waitMs })
const instances = z.strictObject({ release: release.optional() })
const logs = z.strictObject({ release, bytesMax: z.int().min(0).max(LOG_MAX) })

export interface Reply {
  readonly status: number
  readonly json: unknown
}

/** Does what a message asks. Throws on one that is malformed. */
export async function answerTo(fleet: Fleet, path: string, body: unknown): Promise<Reply> {
  switch (path) {
    case '/ping':
      return ok({ pid: process.pid })
    case '/start': {
      const ask = start.parse(body)
      if (ask.spec.command.length === 0 && !ask.spec.container) throw new Error('A process needs a command.')
      return ok(await fleet.start(ask.spec as ReleaseSpec, ask.attempt, ask.waitMs))
    }
    case '/stop': {
      const ask = stop.parse(body)
      return ok(await fleet.stop(ask.release, ask.epoch, ask.waitMs))
    }
    case '/stop-replicas': {
      const ask = stopReplicas.parse(body)
      return ok(await fleet.stopReplicas(ask.release, ask.instances, ask.epoch, ask.waitMs))
    }
    case '/instances':
      return ok(fleet.instances(instances.parse(body).release))
    case '/logs': {
      const ask = logs.parse(body)
      return ok(fleet.logs(ask.release, ask.bytesMax))
    }
    case '/stop-all':
      await fleet.stopAll()
      return ok('stopped')
    case '/quit':
      return ok('bye')
    default:
      return { status: 404, json: { error: `There is no ${path}.` } }
  }
}

function ok(json: unknown): Reply {
  return { status: 200, json }
}
