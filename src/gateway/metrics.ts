/**
 * What the traffic layer has counted, for Prometheus: `GET /metrics` on an address of its own, never on the port of citizens. It
 * stands in the process that counts, so it goes on while engine, console and database are dead.
 *
 * It reads batches as every other reader does; those that were gone before it came (holdfast_evidence_gaps_total) are missing here too.
 */
import { createServer, type Server } from 'node:http'
import { messageOf, OpsError } from '../core/errors.ts'
import { familyText, METRICS } from '../core/traffic/metrics.ts'
import { Totals } from '../core/traffic/totals.ts'
import type { GatewayStatus } from '../ports/gateway.ts'
import type { TrafficConfig } from '../ports/traffic.ts'
import type { Steered } from './control.ts'

export interface MetricsParts {
  /** "127.0.0.1:9464"; port 0 takes a free one. */
  readonly listen: string
  readonly steered: Pick<Steered, 'status' | 'counts'>
  config(): TrafficConfig | null
  /** A remark for the log. */
  say(text: string): void
}

/** Batches are kept for ten minutes; read every minute, none is missed when nobody scrapes. */
const READ_EVERY_MS = 60_000
/** A port that is taken is tried again: the process that has it may be our own predecessor. */
const RETRY_MS = 5_000
const SCRAPE_MS_MAX = 5_000

export interface Metrics {
  /** Undefined until it listens. */
  readonly port: number | undefined
  close(): void
}

/** Counts from now on, and answers as soon as the address can be had. A taken port is a remark, never the end of serving citizens. */
export function openMetrics({ listen, steered, config, say }: MetricsParts): Metrics {
  const at = addressOf(listen)
  const reader = new Reader(steered, config)
  const server: Server = createServer((request, response) => {
    const path = request.url?.split('?')[0]
    if (request.method !== 'GET' || path !== '/metrics') {
      response.writeHead(path === '/metrics' ? 405 : 404, { 'content-type': 'text/plain' }).end('GET /metrics\n')
      return
    }
    reader
      .text()
      .then((text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text))
      .catch((thrown) => response.writeHead(503, { 'content-type': 'text/plain' }).end(`${messageOf(thrown)}\n`))
  })
  server.requestTimeout = SCRAPE_MS_MAX
  server.headersTimeout = SCRAPE_MS_MAX
  server.maxConnections = 50
  let told = false
  let retry: NodeJS.Timeout | undefined
  const open = () => server.listen({ host: at.host, port: at.port, exclusive: true })
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (!told)
      say(`Metrics cannot be read at ${listen}: ${error.code ?? error.message}. Citizens are served all the same.`)
    told = true
    retry = setTimeout(open, RETRY_MS)
    retry.unref()
  })
  open()
  const timer = setInterval(() => void reader.read().catch(() => {}), READ_EVERY_MS)
  timer.unref()
  return {
    get port() {
      const address = server.address()
      return typeof address === 'object' && address ? address.port : undefined
    },
    close() {
      clearInterval(timer)
      clearTimeout(retry)
      server.close()
      server.closeAllConnections()
    },
  }
}

class Reader {
  readonly #steered: MetricsParts['steered']
  readonly #config: () => TrafficConfig | null
  readonly #totals = new Totals()
  #seq: number | undefined
  #gaps = 0
  #under: Promise<void> = Promise.resolve()

  constructor(steered: MetricsParts['steered'], config: () => TrafficConfig | null) {
    this.#steered = steered
    this.#config = config
  }

  /** Reads on from where it was; readings queue, so that no batch is added twice. */
  read(): Promise<void> {
    this.#under = this.#under.then(
      () => this.#readOn(),
      () => this.#readOn(),
    )
    return this.#under
  }

  async text(): Promise<string> {
    await this.read()
    const status = await this.#steered.status()
    return `${[this.#totals.text(), ...this.#own(status)].join('\n')}\n`
  }

  async #readOn(): Promise<void> {
    const steps = this.#config()?.steps ?? []
    this.#totals.know(steps)
    const first = new Map<string, string>()
    for (const { journey, step } of steps) if (!first.has(journey)) first.set(journey, step)
    // What closed in an earlier life is in that life's counters.
    this.#seq ??= (await this.#steered.status()).seq
    for (;;) {
      const { batches, gap } = await this.#steered.counts(this.#seq, 0)
      if (gap) this.#gaps++
      for (const batch of batches) this.#totals.add(batch.counts, first)
      const last = batches.at(-1)
      if (!last) {
        // A hole without anything behind it: go on from where numbers are now.
        if (gap) this.#seq = (await this.#steered.status()).seq
        return
      }
      this.#seq = last.seq
    }
  }

  #own(status: GatewayStatus): string[] {
    const config = this.#config()
    const releases = (['stable', 'canary'] as const).flatMap((arm) => {
      const release = config?.[arm]?.release
      return release === undefined ? [] : [[{ arm, release }, 1] as const]
    })
    return [
      familyText(METRICS.release, releases),
      familyText(METRICS.share, [[{}, config?.canary ? status.weight : 0]]),
      familyText(METRICS.requests, [[{}, status.requests]]),
      familyText(METRICS.failedByUs, [[{}, status.failedByUs]]),
      familyText(METRICS.gaps, [[{}, this.#gaps]]),
      familyText(METRICS.traffic, [[{ pid: String(status.pid), port: String(status.port) }, 1]]),
    ]
  }
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const port = Number(found?.[3] ?? Number.NaN)
  if (!found || !(port <= 65_535))
    throw new OpsError('USAGE', {
      message: `--metrics needs an address and a port, not "${text}".`,
      fix: '--metrics 127.0.0.1:9464',
    })
  const named = found[1] ?? found[2]!
  return { host: named === 'localhost' ? '127.0.0.1' : named, port }
}
