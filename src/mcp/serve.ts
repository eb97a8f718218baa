/** The server on standard input and output. Standard output belongs to the protocol alone; remarks go to standard error. */
import type { Readable, Writable } from 'node:stream'
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import type { Desk } from './desk.ts'
import { mcpServer } from './server.ts'

export interface Streams {
  readonly input: Readable
  readonly output: Writable
  readonly remark: (text: string) => void
}

/** Bytes of one message: a file to check has at most 400,000 characters. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024

/** Says when it is over: the client closed its end, or sent a message that is too large to be one. */
class Transport extends StdioServerTransport {
  ended: () => void = () => {}

  override async close(): Promise<void> {
    await super.close()
    this.ended()
  }
}

/** Serves one client of either protocol generation until it closes its end, or `stop` is aborted. */
export async function serveMcp(desk: Desk, version: string, streams: Streams, stop: AbortSignal): Promise<void> {
  const { input, output, remark } = streams
  let ended = () => {}
  const over = new Promise<void>((settle) => {
    ended = settle
    stop.addEventListener('abort', ended, { once: true })
    if (stop.aborted) ended()
  })
  const transport = new Transport(input, output, { maxBufferSize: MESSAGE_BYTES_MAX })
  transport.ended = ended
  // One factory serves both: clients that begin with `initialize` (2025) and those that ask with each request (2026).
  const handle = serveStdio(() => mcpServer(desk, version), {
    legacy: 'serve',
    transport,
    onerror: (error) => remark(`mcp: ${error.message.slice(0, 300)}`),
  })
  await over
  await handle.close()
}
