/**
 * A station of its own on this machine, for demonstrations, rehearsals and tests: own state folder, own embedded databases, own gateway
 * and supervisor. Nothing of it is the live service's, and nothing of it is left when it is closed.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gatewayTraffic } from '../adapters/gateway/traffic.ts'
import { haproxyTraffic } from '../adapters/haproxy/traffic.ts'
import { stopEmbedded } from '../adapters/postgres/embedded.ts'
import { stopSupervisor } from '../adapters/process/start.ts'
import { socketPath } from './sockets.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Folder of the service's own database in a sandbox, below its state folder. */
export const SERVICE_DATABASE = 'service-database'

/** Ends what an earlier sandbox in this folder left behind (it may have been killed), and removes its files. */
export async function clearSandbox(state: string): Promise<void> {
  if (!existsSync(state)) return
  const control = socketPath(state, 'gateway')
  await (existsSync(join(state, 'haproxy')) ? haproxyTraffic({ control }) : gatewayTraffic({ control })).stop()
  await stopSupervisor({ state })
  for (const folder of ['postgres', SERVICE_DATABASE]) await stopEmbedded(join(state, folder)).catch(() => false)
  rmSync(state, { recursive: true, force: true, maxRetries: 20 })
}

/** A sandbox keeps its own databases: a DATABASE_URL of the person's is none of its business. */
export function withoutDatabase(env: Env): Env {
  const { DATABASE_URL: _, ...rest } = env
  return rest
}
