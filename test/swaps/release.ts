/**
 * A release for the swap tests, a process of its own: `release.ts NAME`. It answers pages, slow answers, uploads, events and
 * websockets, and finishes what it has when it is told to stop. Tells its parent its port, and at its end which uploads came.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocketServer } from 'ws'

const name = process.argv[2] ?? 'release'
const uploads: string[] = []
// 3 kB, as a form page without its styles has.
export const PAGE = `<!doctype html><title>Form</title><h1>Apply for a payment</h1><p>${'Words of a page. '.repeat(170)}</p>\n`

const server = createServer((req, res) => {
  void answer(req, res).catch(() => res.destroy())
})
const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))))

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = new URL(req.url ?? '/', 'http://release')
  const number = (key: string) => Number(url.searchParams.get(key) ?? 0)
  res.setHeader('x-release', name)
  switch (url.pathname) {
    case '/upload': {
      const hash = createHash('sha256')
      for await (const chunk of req) hash.update(chunk)
      uploads.push(String(req.headers['x-id']))
      return void res.end(hash.digest('hex'))
    }
    case '/slow':
      await pause(number('ms'))
      return void res.end(PAGE)
    case '/events':
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let i = 0; i < number('n'); i++) {
        res.write(`data: ${i}\n\n`)
        await pause(number('ms'))
      }
      return void res.end('data: end\n\n')
    default:
      res.writeHead(200, { 'content-type': 'text/html', 'content-length': Buffer.byteLength(PAGE) })
      res.end(PAGE)
  }
}

server.listen(0, '127.0.0.1', 1_024, () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('SIGTERM', () => {
  server.close(() => process.send?.({ uploads, websockets: sockets.clients.size }, () => process.disconnect()))
})
// Whoever started it has gone, and nobody will stop it.
process.on('disconnect', () => process.exit())
