/**
 * Hears that something was committed or posted anywhere (LISTEN), so that an idle engine need not ask. It is only ever a hint:
 * while the connection is away, waits end by their time.
 */
import pg from 'pg'
import { clientConfig, type Where } from './connection.ts'

export const CHANNEL = 'holdfast'
/** Rung inside the transaction, heard when it has committed. */
export const RING = `select pg_notify('${CHANNEL}', '')`

const RETRY_MS = 250
const RETRY_MS_MAX = 5_000

export interface Bell {
  /** How often it has rung so far. */
  readonly rung: number
  /** Ends at the next ring, after `ms`, or on abort. Starts listening when nobody has before. */
  wait(ms: number, signal?: AbortSignal): Promise<void>
  /** Resolves when the bell can be heard. */
  listening(): Promise<void>
  close(): Promise<void>
}

export function bell(where: Where): Bell {
  const sleepers = new Set<() => void>()
  let rung = 0
  let client: pg.Client | null = null
  let started: Promise<void> | null = null
  let retry: NodeJS.Timeout | null = null
  let retryMs = RETRY_MS
  let closed = false

  function ring(): void {
    rung++
    for (const up of [...sleepers]) up()
  }

  async function listen(): Promise<void> {
    const next = new pg.Client(clientConfig(where))
    let gone = false
    const lost = () => {
      if (gone) return
      gone = true
      client = null
      next.end().catch(() => {})
      if (closed) return
      retry = setTimeout(listen, retryMs)
      retry.unref()
      retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
    }
    next.on('error', lost)
    next.on('end', lost)
    next.on('notification', ring)
    try {
      await next.connect()
      await next.query(`listen ${CHANNEL}`)
      if (closed) return void (await next.end())
      client = next
      retryMs = RETRY_MS
      // What rang while nobody listened is made up for by one ring.
      ring()
    } catch {
      lost()
    }
  }

  const listening = () => {
    started ??= closed ? Promise.resolve() : listen()
    return started
  }

  return {
    get rung() {
      return rung
    },
    listening,
    async wait(ms, signal) {
      void listening()
      if (closed || signal?.aborted) return
      await new Promise<void>((resolve) => {
        const up = () => {
          clearTimeout(timer)
          sleepers.delete(up)
          signal?.removeEventListener('abort', up)
          resolve()
        }
        const timer = setTimeout(up, ms)
        sleepers.add(up)
        signal?.addEventListener('abort', up)
      })
    },
    async close() {
      closed = true
      if (retry) clearTimeout(retry)
      for (const up of [...sleepers]) up()
      await started
      await client?.end().catch(() => {})
    },
  }
}
