/**
 * The supervisor: a process of its own that starts replicas, keeps them running, and outlives the engine. It listens on a unix
 * socket that only its user may open, and speaks JSON over HTTP there (protocol.ts). Killed itself, it leaves the replicas
 * running; the next one finds them in the journal.
 *
 *   node supervisor.js --state DIR
 */
import { chmodSync, rmSync } from 'node:fs'
import http from 'node:http'
import { parseArgs } from 'node:util'
import { EXIT, messageOf } from '../../core/errors.ts'
import { type Fleet, openFleet } from './fleet.ts'
import { takeLock } from './lock.ts'
import { type Paths, pathsOf } from './paths.ts'
import { answerTo, BODY_MAX } from './protocol.ts'

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { state: { type: 'string' } } })
  if (!values.state) throw new Error('--state is needed.')
  const paths = pathsOf(values.state)
  const unlock = takeLock(paths.lock)
  // Another one serves this folder already: that is what the caller wanted.
  if (!unlock) return
  const fleet = openFleet(paths)
  await fleet.recover()
  const quit = () => {
    server.close()
    rmSync(paths.socket, { force: true })
    unlock()
    process.exit(EXIT.done)
  }
  const server = serve(paths, fleet, quit)
  // Replicas stay: a newer supervisor takes them over.
  process.on('SIGTERM', quit)
  process.on('SIGINT', quit)
}

function serve(paths: Paths, fleet: Fleet, quit: () => void): http.Server {
  const server = http.createServer((request, response) => {
    read(request)
      .then((body) => answerTo(fleet, request.url ?? '/', body))
      .catch((thrown) => ({ status: 400, json: { error: messageOf(thrown) } }))
      .then(({ status, json }) => {
        response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
        response.end(JSON.stringify(json), () => {
          if (request.url === '/quit') quit()
        })
      })
  })
  rmSync(paths.socket, { force: true })
  // Nobody else may open it, not even between its making and its chmod.
  const mask = process.umask(0o177)
  server.listen(paths.socket, () => {
    process.umask(mask)
    chmodSync(paths.socket, 0o600)
  })
  return server
}

async function read(request: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_MAX) throw new Error(`A message may have ${BODY_MAX} bytes.`)
    chunks.push(chunk)
  }
  return size === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

try {
  await main()
} catch (thrown) {
  console.error(`supervisor: ${messageOf(thrown)}`)
  process.exitCode = EXIT.bug
}
