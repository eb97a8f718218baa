/** The public HTTP server in front of a Frontdoor, with its limits. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Frontdoor } from './frontdoor.ts'

// Requests that one connection may have open at once (pipelining). More wait in the client's own buffers.
const PIPELINED_MAX = 32
// Twice what browsers send at their worst (8 kB of cookies); a request's address has its own limit in frontdoor.ts.
const HEAD_BYTES_MAX = 16_384

export interface PublicServer {
  readonly server: Server
  /** Every connection that is open. */
  readonly sockets: ReadonlySet<Socket>
  /** True while a request is being answered on it, or a conversation goes on. */
  isBusy(socket: Socket): boolean
}

/** Node's parser stays strict, and answers 400 to what it cannot read and 431 to a head that is too large. */
export function serverOf(door: Frontdoor): PublicServer {
  const { headMs, keepAliveMs } = door.options
  const server = createServer({
    keepAliveTimeout: keepAliveMs,
    headersTimeout: headMs,
    // Slow uploads are welcome as long as they move: exchange.ts gives up those that do not.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.round(Math.max(10, Math.min(5_000, headMs / 4))),
    maxHeaderSize: HEAD_BYTES_MAX,
    insecureHTTPParser: false,
    // Node would refuse the request, but read on behind it. frontdoor.ts asks for a Host, and what follows is distrusted.
    requireHostHeader: false,
  })
  const open = new WeakMap<Socket, number>()
  const distrusted = new WeakSet<Socket>()
  const sockets = new Set<Socket>()
  const take = (req: IncomingMessage, res: ServerResponse) => {
    const { socket } = req
    // Behind a request that was refused for its framing may come one that somebody smuggled: it is not answered at all.
    if (distrusted.has(socket)) return
    const count = (open.get(socket) ?? 0) + 1
    open.set(socket, count)
    if (count > PIPELINED_MAX) socket.pause()
    res.on('close', () => {
      const left = (open.get(socket) ?? 1) - 1
      open.set(socket, left)
      if (left === PIPELINED_MAX / 2 && socket.isPaused()) socket.resume()
    })
    if (!door.request(req, res)) distrusted.add(socket)
  }
  server.on('request', take)
  server.on('checkContinue', take)
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    // It ends by itself or by order; until then it is in use.
    open.set(socket as Socket, Number.POSITIVE_INFINITY)
    door.upgrade(req, socket, head)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  return { server, sockets, isBusy: (socket) => (open.get(socket) ?? 0) > 0 }
}
