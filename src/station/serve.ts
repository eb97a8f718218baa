/** Engine and console of one service, until stopped. The gateway and the releases are processes of their own and go on. */
import type { Call } from '../cli/command.ts'
import { VERSION } from '../cli/version.ts'
import { EXIT, type ExitCode, OpsError } from '../core/errors.ts'
import { sharedSecret } from '../engine/secrets.ts'
import type { Store } from '../ports/store.ts'
import { type Console, startConsole } from '../web/server.ts'
import { fileSecret } from './file-secret.ts'
import { restoreServing } from './restore.ts'
import { findRunbook } from './runbook.ts'
import { openStation, readService, type Station } from './station.ts'
import { keepWalking, type Walker } from './walks.ts'
import { type Keeper, keepWatch } from './watch.ts'

export async function serveUntilStopped({ state, service, options, io, json }: Call): Promise<ExitCode> {
  let store: Store | undefined
  let station: Station | undefined
  let watch: Keeper | undefined
  let walker: Walker | undefined
  const consoleAt = addressOf(String(options.console))
  const metrics = typeof options.metrics === 'string' && options.metrics !== 'none' ? options.metrics : undefined
  const publicUrl = typeof options.publicUrl === 'string' ? options.publicUrl : undefined
  readService(service)
  const opening = openStation({
    state,
    serviceFile: service,
    env: io.env,
    remark: (says) => io.progress(says),
    listen: String(options.listen),
    ...(metrics ? { metrics } : {}),
    moveHere: options.moveHere === true,
    consoleUrl: () => publicUrl ?? `http://${consoleAt.host}:${consoleAt.port}`,
  })
  // Awaited below; until then a failure must not be an unhandled one.
  opening.catch(() => {})
  let console: Console | undefined
  try {
    console = await startConsole({
      store: () => store,
      clock: { now: Date.now },
      listen: consoleAt,
      ...(publicUrl ? { publicUrl } : {}),
      // Several consoles on one database share sign-ins only when they share this.
      secret: io.env.HOLDFAST_CONSOLE_SECRET ?? fileSecret(state, 'console'),
      version: VERSION,
      log: (line) => io.progress(line),
      services: () => (station ? [station.service] : []),
      runbook: async (_, id) => (await findRunbook(service, id))?.text ?? null,
      ackSecret: async () => sharedSecret(store!, 'ack')(),
    })
    station = await opening
    store = station.store
    station.startEngine()
    watch = await keepWatch(store, service, (says) => io.progress(says))
    const restored = await restoreServing(station)
    if (options.walk === true) walker = keepWalking(station.world, station.service, (says) => io.progress(says))
    if (json) {
      io.out(
        JSON.stringify({
          console: console.url,
          signIn: console.signInLink(),
          gateway: station.world.publicUrl,
          store: station.place,
        }),
      )
    } else {
      io.progress(`Console: ${console.url}   sign in once with ${console.signInLink()}`)
      io.progress(`Gateway: ${station.world.publicUrl}   Store: ${station.place}`)
      if (metrics) io.progress(await metricsWords(metrics, station.world.publicUrl))
      io.progress(restored)
      io.progress('Ctrl-C stops the engine and the console; citizens go on being served.')
    }
    if (!io.stop.aborted)
      await new Promise<void>((resolve) => io.stop.addEventListener('abort', () => resolve(), { once: true }))
    return EXIT.done
  } finally {
    walker?.stop()
    await watch?.stop()
    await console?.close()
    station ??= await opening.catch(() => undefined)
    if (options.withTraffic === true) await station?.shutDown()
    else await station?.close()
    if (station)
      io.progress(
        options.withTraffic === true ? 'Everything is stopped.' : `Stopped. ${(await lastWord(station)).says}`,
      )
  }
}

/** Whether the metrics at this address are those of our own traffic layer, in words. */
async function metricsWords(at: string, gateway: string): Promise<string> {
  const url = `http://${at}/metrics`
  for (let tries = 0; tries < 4; tries++) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
    const text = answer?.ok ? await answer.text().catch(() => '') : ''
    if (text.includes(`holdfast_traffic_info{`) && text.includes(`port="${new URL(gateway).port || '80'}"`))
      return `Metrics: ${url}`
    if (text !== '') break
    await new Promise((next) => setTimeout(next, 250))
  }
  return (
    `Metrics are NOT at ${url}: another program has that port, or the gateway was started without --metrics. ` +
    'Alerts that rest on them will say that telemetry is lost.'
  )
}

async function lastWord(station: Station) {
  return station.whatRuns().catch(() => ({ says: '' }))
}

function addressOf(text: string): { host: string; port: number } {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  if (found) return { host: found[1] ?? found[2]!, port: Number(found[3]) }
  throw new OpsError('ADDRESS', {
    message: `"${text}" is not HOST:PORT.`,
    fix: '--console 127.0.0.1:4600',
    exit: EXIT.usage,
  })
}
