/**
 * Stands before one replica of the release that is made bad in a drill, and passes everything on until the fault is armed. So any
 * service can be rehearsed, whatever it is written in, and its own code stays as it is. Every answer says which release it is of.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DrillFault } from '../../core/rehearse/fault.ts'

/** What goes wrong, and where. */
export interface Trouble {
  readonly fault: DrillFault
  /** Whether a request is an attempt at the step that the fault hurts. */
  readonly hurts: (method: string, path: string) => boolean
  /** How much later than it could be a slow step answers, in ms. */
  readonly lateMs: number
  /** Health checks: they stay good while only citizens suffer. */
  readonly healthPath: string
  /** 0 to 1, a new one each time. */
  readonly dice: () => number
}

export interface FaultProxy {
  readonly port: number
  /** When the last request of a citizen came, epoch ms; null: none yet. */
  readonly lastRequestAt: number | null
  /** From now on. */
  arm(trouble: Trouble): void
  close(): Promise<void>
}

/** Headers of an answer that are not passed on: its mark is ours, and how it travels is each connection's own affair. */
const OURS = new Set(['x-release', 'connection', 'keep-alive', 'transfer-encoding'])

/** In `x-release`, where the invented citizens look. */
export async function openFaultProxy(
  to: { readonly host: string; readonly port: number },
  release: string,
): Promise<FaultProxy> {
  const agent = new http.Agent({ keepAlive: true })
  let trouble: Trouble | undefined
  let lastRequestAt: number | null = null
  const late = new Set<NodeJS.Timeout>()
  const server = http.createServer((req, res) => {
    const path = req.url ?? '/'
    const isHealth = trouble !== undefined && path.split('?', 1)[0] === trouble.healthPath
    if (trouble && !isHealth) lastRequestAt = Date.now()
    if (trouble && !isHealth && fails(trouble, req)) return answerBadly(req, res, release)
    const delayMs = trouble && isSlow(trouble, req) ? trouble.lateMs : 0
    const { host, port } = to
    // A health check may come by HTTP/1.0, without a host.
    const headers = { host: `${host}:${port}`, ...req.headers, connection: 'keep-alive' }
    const passed = http.request({ agent, host, port, method: req.method, path, headers, setHost: false })
    passed.on('response', (answer) => {
      const send = () => {
        const headers = answer.rawHeaders.flatMap((value, i, all) =>
          i % 2 === 0 && !OURS.has(value.toLowerCase()) ? [value, all[i + 1]!] : [],
        )
        if (!res.destroyed)
          res.writeHead(answer.statusCode ?? 502, answer.statusMessage, [...headers, 'x-release', release])
        answer.pipe(res)
      }
      if (delayMs === 0) return send()
      const timer = setTimeout(() => {
        late.delete(timer)
        send()
      }, delayMs)
      late.add(timer)
    })
    // The replica broke off: so does its answer, or there is none at all.
    passed.on('error', () => res.destroy())
    res.on('close', () => passed.destroy())
    req.pipe(passed)
  })
  // As long as the replica itself would keep it: the gateway decides when a connection ends.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    get lastRequestAt() {
      return lastRequestAt
    },
    arm(next) {
      trouble = next
      if (next.fault.kind !== 'dead') return
      server.close()
      server.closeAllConnections()
    },
    async close() {
      for (const timer of late) clearTimeout(timer)
      agent.destroy()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function fails({ fault, hurts, dice }: Trouble, req: http.IncomingMessage): boolean {
  if (fault.kind === 'total') return true
  return fault.kind === 'share' && hurts(req.method ?? 'GET', req.url ?? '/') && dice() < fault.share
}

function isSlow({ fault, hurts, healthPath }: Trouble, req: http.IncomingMessage): boolean {
  return fault.kind === 'slow' && req.url !== healthPath && hurts(req.method ?? 'GET', req.url ?? '/')
}

function answerBadly(req: http.IncomingMessage, res: http.ServerResponse, release: string): void {
  req.resume()
  const text = 'This error was made by a rehearsal.\n'
  res.writeHead(500, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': text.length,
    'x-release': release,
  })
  res.end(text)
}
