/**
 * The demo's world, all of it real and all of it on this machine: the console, Holdfast's PostgreSQL, the service's own PostgreSQL,
 * the gateway, the supervisor with the service's replicas, a receiver for pages, and a crowd of invented citizens.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmbedded } from '../adapters/postgres/embedded.ts'
import { openHoldfastStore } from '../adapters/postgres/open.ts'
import type { Io } from '../cli/command.ts'
import { PACKAGE, VERSION } from '../cli/version.ts'
import { watchedSteps } from '../core/deploy/plan.ts'
import { messageOf } from '../core/errors.ts'
import { sharedSecret } from '../engine/secrets.ts'
import { type Crowd, startCrowd } from '../load/crowd.ts'
import type { Script } from '../load/script.ts'
import type { Seen } from '../load/visit.ts'
import type { Store } from '../ports/store.ts'
import { clearSandbox, SERVICE_DATABASE, withoutDatabase } from '../station/sandbox.ts'
import { openStation, type Station } from '../station/station.ts'
import { openReceiver, type Receiver } from '../testing/receiver.ts'
import { startConsole } from '../web/server.ts'

export const EXAMPLE = join(PACKAGE, 'examples', 'heating-payment')
/** Requests a second of the invented citizens. */
export const RATE = 260

export interface Scene {
  readonly station: Station
  readonly receiver: Receiver
  readonly consoleUrl: string
  signInLink(): string
  /** Citizens begin to arrive. */
  openDoors(onRequest: (seen: Seen) => void): Promise<Crowd>
  close(): Promise<void>
}

/** Opens the console first: it answers while the rest is still starting. `onConsole` is called as soon as it listens. */
export async function openScene(state: string, io: Io, onConsole: (url: string, link: string) => void): Promise<Scene> {
  await clearSandbox(state)
  mkdirSync(state, { recursive: true })
  // Closed in reverse order, also when a later part could not be opened.
  const closers: (() => Promise<unknown>)[] = [() => clearSandbox(state)]
  const close = async () => {
    for (const end of closers.reverse()) await end().catch((thrown) => io.progress(`  (${messageOf(thrown)})`))
  }
  try {
    return await open(state, io, onConsole, closers, close)
  } catch (thrown) {
    await close()
    throw thrown
  }
}

async function open(
  state: string,
  io: Io,
  onConsole: (url: string, link: string) => void,
  closers: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<Scene> {
  let store: Store | undefined
  let station: Station | undefined
  const console = await startConsole({
    store: () => store,
    clock: { now: Date.now },
    listen: { host: '127.0.0.1', port: 0 },
    secret: randomBytes(32).toString('hex'),
    version: VERSION,
    log: () => {},
    runbook: readRunbook,
    services: () => (station ? [station.service] : []),
    ackSecret: async () => sharedSecret(store!, 'ack')(),
  })
  closers.push(() => console.close())
  onConsole(console.url, console.signInLink())
  const secret = randomBytes(16).toString('hex')
  const [receiver, opened, database] = await Promise.all([
    openReceiver(secret),
    openHoldfastStore({ state, env: withoutDatabase(io.env) }),
    startEmbedded({ folder: join(state, SERVICE_DATABASE), databases: ['heating'] }),
  ])
  closers.push(
    () => database.stop(),
    () => receiver.close(),
  )
  store = opened.store
  station = await openStation({
    state,
    serviceFile: join(EXAMPLE, 'service.yaml'),
    env: {
      ...withoutDatabase(io.env),
      SERVICE_DATABASE_URL: database.urls.heating!,
      // The gate "right target" holds what is meant against what is found; this is what is found here.
      HOLDFAST_ENVIRONMENT: 'production',
      HOLDFAST_ACCOUNT: 'this machine',
      HOLDFAST_SMTP_URL: `smtp://127.0.0.1:${receiver.smtpPort}`,
      HOLDFAST_WEBHOOK_PAGER_URL: receiver.webhookUrl('pager'),
      HOLDFAST_WEBHOOK_PAGER_SECRET: secret,
    },
    remark: (says) => io.progress(`  (${says})`),
    listen: '127.0.0.1:0',
    consoleUrl: () => console.url,
    opened,
  })
  const { service, world, shutDown } = station
  closers.push(shutDown)
  return {
    station,
    receiver,
    consoleUrl: console.url,
    signInLink: () => console.signInLink(),
    async openDoors(onRequest) {
      const { citizens } = (await import(moduleUrl('citizens'))) as { citizens: Script }
      const limitsMs = Object.fromEntries(
        watchedSteps(service).map(({ journey, step }) => [`${journey.id}/${step.id}`, step.limitMs]),
      )
      const { publicUrl: url } = world
      const crowd = startCrowd({ url, ratePerSecond: RATE, script: citizens, seed: 7, limitsMs, onRequest })
      closers.push(() => crowd.stop(0))
      return crowd
    },
    close,
  }
}

/** URL of a module of the sample service: compiled in a package, TypeScript in a checkout's tests. */
export function moduleUrl(path: string): string {
  const ours = import.meta.url
  return new URL(`../../examples/heating-payment/${path}${ours.endsWith('.ts') ? '.ts' : '.js'}`, ours).href
}

async function readRunbook(_service: string, id: string): Promise<string | null> {
  return readFile(join(EXAMPLE, 'runbooks', `${id.replace(/[^a-z0-9-]/g, '')}.md`), 'utf8').catch(() => null)
}
