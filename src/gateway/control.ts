/**
 * The gateway's control socket: HTTP and JSON on a unix socket that only its owner may open, never on the public port.
 *
 *   PUT  /config            a TrafficConfig        200 · 409 {epochSeen} · 400 {reasons} · 503 {why}
 *   GET  /status                                   200
 *   GET  /counts?after=SEQ[&wait=MS]               200
 *   POST /close-upgraded    {arm, overMs, epoch}   200 · 409 · 400
 *   POST /swap                                     200 {pid} · 503 {why}
 *   POST /stop                                     200, then ends in order
 *
 * Until somebody steers, every other question hears 503. Whoever holds the socket holds a lock beside it: of two that are started at
 * once for one state folder, the second ends before it has touched anything there.
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { z } from 'zod'
import { takeLock } from '../adapters/process/lock.ts'
import type { Arm } from '../core/deploy/counts.ts'
import { messageOf, OpsError } from '../core/errors.ts'
import type { GatewayStatus } from '../ports/gateway.ts'
import type { CountsAnswer, TrafficConfig } from '../ports/traffic.ts'
import { readConfig } from './config.ts'

const BODY_MAX = 1_048_576
const WAIT_MS_MAX = 30_000
// Linux allows 107 bytes for a socket's path, macOS 103.
const PATH_MAX = 103

const closing = z.strictObject({
  arm: z.enum(['stable', 'canary']),
  overMs: z.number().min(0).max(3_600_000),
  epoch: z.number().int().min(0),
})

export type Obeyed =
  | { readonly done: true }
  | { readonly refused: true; readonly epochSeen: number }
  | { readonly failed: string }

/** What the socket gives orders to: the gateway's primary, or whoever steers another proxy in its place (src/adapters/haproxy). */
export interface Steered {
  apply(config: TrafficConfig): Promise<Obeyed>
  closeUpgraded(arm: Arm, overMs: number, epoch: number): Promise<Obeyed>
  status(): Promise<GatewayStatus>
  /** Batches above `seq`; with `waitMs`, waits so long for the first. */
  counts(seq: number, waitMs: number): Promise<CountsAnswer>
  /** Gives the new process's id. */
  swap(): Promise<number>
}

interface Said {
  readonly status: number
  readonly body: unknown
}

export interface Control {
  /** Who gets the orders from now on. */
  steer(steered: Steered): void
  close(): void
}

/** `stop` is called when somebody asks for it, at most once a question. Throws OpsError CONTROL_PATH or GATEWAY_RUNS. */
export async function openControl(path: string, stop: () => void): Promise<Control> {
  if (Buffer.byteLength(path) > PATH_MAX) {
    throw new OpsError('CONTROL_PATH', {
      message: `The control socket's path is longer than the ${PATH_MAX} bytes that the system allows: ${path}`,
      fix: 'choose a shorter folder with --state',
    })
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const unlock = takeLock(`${path}.lock`)
  if (!unlock) {
    throw new OpsError('GATEWAY_RUNS', {
      message: `A gateway already runs with the control socket ${path}.`,
      fix: 'use that one, or choose another --state',
    })
  }
  let steered: Steered | undefined
  const server = createServer((req, res) => {
    void answer(req, steered, stop)
      .catch((thrown): Said => ({ status: 500, body: { why: messageOf(thrown) } }))
      .then(({ status, body }) => {
        res.writeHead(status, { 'content-type': 'application/json' })
        endWith(res, body)
      })
  })
  try {
    // What a killed one left behind.
    rmSync(path, { force: true })
    await listens(server, path)
    chmodSync(path, 0o600)
  } catch (thrown) {
    unlock()
    throw new Error(`the control socket ${path} cannot be opened: ${messageOf(thrown)}`)
  }
  return {
    steer(by) {
      steered = by
    },
    close() {
      server.close()
      unlock()
    },
  }
}

function listens(server: Server, path: string): Promise<void> {
  return new Promise((opened, fails) => {
    server.once('error', fails)
    server.listen(path, () => {
      server.off('error', fails)
      opened()
    })
  })
}

function endWith(res: ServerResponse, body: unknown): void {
  res.end(JSON.stringify(body))
}

async function answer(req: IncomingMessage, primary: Steered | undefined, stop: () => void): Promise<Said> {
  const url = new URL(req.url ?? '/', 'http://control')
  if (`${req.method} ${url.pathname}` === 'POST /stop') {
    stop()
    return { status: 200, body: {} }
  }
  if (!primary) return { status: 503, body: { why: 'It is starting.' } }
  switch (`${req.method} ${url.pathname}`) {
    case 'GET /status':
      return { status: 200, body: await primary.status() }
    case 'GET /counts': {
      const after = Number(url.searchParams.get('after') ?? 0)
      const waitMs = Math.min(WAIT_MS_MAX, Number(url.searchParams.get('wait') ?? 0))
      if (!Number.isSafeInteger(after) || !Number.isFinite(waitMs)) return wrong(['after: not a whole number'])
      return { status: 200, body: await primary.counts(after, waitMs) }
    }
    case 'PUT /config': {
      const config = readConfig(await jsonOf(req))
      return 'reasons' in config ? wrong(config.reasons) : said(await primary.apply(config))
    }
    case 'POST /close-upgraded': {
      const read = closing.safeParse(await jsonOf(req))
      if (!read.success) return wrong(read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`))
      return said(await primary.closeUpgraded(read.data.arm, read.data.overMs, read.data.epoch))
    }
    case 'POST /swap':
      try {
        return { status: 200, body: { pid: await primary.swap() } }
      } catch (thrown) {
        return { status: 503, body: { why: `The old worker serves on: ${messageOf(thrown)}` } }
      }
    default:
      return { status: 404, body: { why: `There is no ${req.method} ${url.pathname}.` } }
  }
}

function said(obeyed: Obeyed): Said {
  if ('refused' in obeyed) return { status: 409, body: obeyed }
  if ('failed' in obeyed) return { status: 503, body: { why: obeyed.failed } }
  return { status: 200, body: obeyed }
}

function wrong(reasons: readonly string[]): Said {
  return { status: 400, body: { reasons } }
}

async function jsonOf(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_MAX) throw new Error('the configuration is larger than 1 MiB')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}
