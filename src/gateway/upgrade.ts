/**
 * Websockets and other upgraded connections: the handshake is passed on, then bytes both ways as they come. They count apart
 * from requests, and end only by themselves or by order, because no proxy can know when a conversation is over.
 */
import { type IncomingMessage, request, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Member, Pick, Upgraded } from './backends.ts'
import type { Host } from './exchange.ts'
import { CLOSE_AND_COME_BACK, FrameEdge } from './frames.ts'
import { answerHeaders } from './headers.ts'
import { PAGES, type Page, pageHeaders, pageHtml } from './pages.ts'

export interface UpgradePlan {
  readonly picked: Pick | undefined
  readonly path: string
  readonly headers: readonly string[]
  readonly cookie: string | undefined
  readonly probe: boolean
}

export function passUpgrade(host: Host, plan: UpgradePlan, req: IncomingMessage, client: Duplex, head: Buffer): void {
  client.on('error', () => client.destroy())
  if (!plan.picked) {
    if (!plan.probe) host.failedByUs()
    endWithPage(client, PAGES.unavailable)
    return
  }
  const { member } = plan.picked
  if (!plan.probe) member.lastRequestAt = Date.now()
  let left = false
  const leave = () => {
    if (!left) host.pool.leave(member)
    left = true
  }
  const upstream = request({
    agent: false,
    host: member.backend.host,
    port: member.backend.port,
    method: req.method!,
    path: plan.path,
    headers: plan.headers as unknown as Record<string, string>,
    setHost: false,
    timeout: host.options.connectMs,
  })
  upstream.on('timeout', () => {
    if (upstream.socket?.connecting) upstream.destroy(new Error('no connection in time'))
  })
  upstream.on('error', (error: NodeJS.ErrnoException) => {
    leave()
    if (error.code === 'ECONNREFUSED') {
      host.pool.refused(member)
      if (!plan.probe) host.failedByUs()
    }
    if (!client.destroyed) endWithPage(client, error.code === 'ECONNREFUSED' ? PAGES.unavailable : PAGES.broken)
  })
  const goneEarly = () => {
    upstream.destroy()
    leave()
  }
  client.once('close', goneEarly)
  upstream.on('response', (answer) => {
    // The release says no. Its answer is passed on, and the connection ends with it.
    client.write(
      headOf(answer, [
        ...answerHeaders(answer.rawHeaders, answer.headers.connection, true).headers,
        'Connection',
        'close',
      ]),
    )
    answer.pipe(client)
    answer.on('close', leave)
  })
  upstream.on('upgrade', (answer, release, first) => {
    client.removeListener('close', goneEarly)
    const { headers } = answerHeaders(answer.rawHeaders, answer.headers.connection, true)
    headers.push('Connection', 'Upgrade', 'Upgrade', String(answer.headers.upgrade ?? 'websocket'))
    if (plan.cookie) headers.push('Set-Cookie', plan.cookie)
    client.write(headOf(answer, headers))
    if (first.length > 0) release.unshift(first)
    if (head.length > 0) release.write(head)
    join(member, client as Socket, release as Socket, String(answer.headers.upgrade).toLowerCase() === 'websocket')
    // From here on it is no request in flight any more, but an open conversation.
    leave()
  })
  upstream.end()
}

function join(member: Member, client: Socket, release: Socket, frames: boolean): void {
  const edge = new FrameEdge()
  const upgraded: Upgraded = { sockets: [client, release], close: () => closeAtEdge(client, release, edge, frames) }
  member.upgraded.add(upgraded)
  for (const socket of [client, release]) {
    socket.setTimeout(0)
    socket.setNoDelay(true)
  }
  if (frames) release.on('data', (chunk: Buffer) => edge.push(chunk))
  release.pipe(client)
  client.pipe(release)
  const end = () => {
    member.upgraded.delete(upgraded)
    client.destroy()
    release.destroy()
  }
  for (const socket of [client, release]) {
    socket.on('error', end)
    socket.on('close', end)
  }
}

function closeAtEdge(client: Socket, release: Socket, edge: FrameEdge, frames: boolean): void {
  const close = () => {
    release.unpipe(client)
    if (frames && edge.clear) client.end(CLOSE_AND_COME_BACK)
    else client.end()
    release.destroySoon()
  }
  if (!frames || edge.clear) {
    close()
    return
  }
  // In the middle of a frame: wait for its end, but not for long.
  const giveUp = setTimeout(close, 2_000)
  const look = () => {
    if (!edge.clear) return
    clearTimeout(giveUp)
    release.off('data', look)
    setImmediate(close)
  }
  release.on('data', look)
}

function headOf(answer: IncomingMessage, headers: readonly string[]): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage ?? ''}`]
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Answers on a bare socket and ends it. */
export function endWithPage(client: Duplex, page: Page): void {
  const body = pageHtml(page)
  const headers = pageHeaders(page, body, true)
  const lines = [`HTTP/1.1 ${page.status} ${STATUS_CODES[page.status] ?? ''}`]
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  client.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
