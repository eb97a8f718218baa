/**
 * A place on this machine where pages arrive, by e-mail and by webhook: what a person's phone would show. The demo prints what
 * arrived; the notifier contract runs against it, in every mood a real receiver can have.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SMTPServer } from 'smtp-server'
import { SIGNATURE_HEADER, TIMESTAMP_HEADER, verifyWebhook } from '../adapters/webhook/signature.ts'
import type { Instant } from '../core/time.ts'

export interface Arrived {
  readonly at: Instant
  readonly route: 'email' | 'webhook'
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly ackUrl: string | null
}

/** `busy`: refuses for now. `loses-answer`: takes the message and hangs up. `silent`: takes it and never answers. */
export type ReceiverMood = 'works' | 'refuses' | 'busy' | 'redirects' | 'loses-answer' | 'silent'

export interface Receiver {
  /** What arrived, oldest first, repeats included. */
  readonly arrived: readonly Arrived[]
  readonly smtpPort: number
  /** Address of the webhook; its last part is the name it was sent to. */
  webhookUrl(name: string): string
  mood(mood: ReceiverMood): void
  onArrival(listener: (arrived: Arrived) => void): void
  close(): Promise<void>
}

const BYTES_MAX = 256 * 1024

/** `secret` signs the webhooks; one that is forged or stale is answered with 401. */
export async function openReceiver(secret: string, now: () => Instant = Date.now): Promise<Receiver> {
  const arrived: Arrived[] = []
  const listeners: ((one: Arrived) => void)[] = []
  let mood: ReceiverMood = 'works'
  const take = (one: Omit<Arrived, 'at'>) => {
    const whole = { ...one, at: now() }
    arrived.push(whole)
    for (const listener of listeners) listener(whole)
  }
  const web = createServer((request, response) => void takeHook(request, response, secret, () => mood, take, now))
  const mail = await openMail(() => mood, take)
  await listening(web)
  return {
    arrived,
    smtpPort: (mail.server.address() as AddressInfo).port,
    webhookUrl: (name) => `http://127.0.0.1:${(web.address() as AddressInfo).port}/hook/${encodeURIComponent(name)}`,
    mood(next) {
      mood = next
    },
    onArrival(listener) {
      listeners.push(listener)
    },
    async close() {
      web.closeAllConnections()
      await Promise.all([
        new Promise<void>((resolve) => web.close(() => resolve())),
        new Promise<void>((resolve) => mail.close(() => resolve())),
      ])
    },
  }
}

async function takeHook(
  request: IncomingMessage,
  response: ServerResponse,
  secret: string,
  mood: () => ReceiverMood,
  take: (one: Omit<Arrived, 'at'>) => void,
  now: () => Instant,
): Promise<void> {
  const body = await textOf(request)
  const given = {
    signature: String(request.headers[SIGNATURE_HEADER] ?? ''),
    timestamp: String(request.headers[TIMESTAMP_HEADER] ?? ''),
    body: body ?? '',
  }
  const end = (status: number, headers: Record<string, string> = {}) => response.writeHead(status, headers).end()
  if (body === null) return void end(413)
  if (verifyWebhook(secret, given, Math.floor(now() / 1000)) !== 'genuine') return void end(401)
  if (mood() === 'refuses') return void end(400)
  if (mood() === 'busy') return void end(503)
  if (mood() === 'redirects') return void end(302, { location: request.url ?? '/' })
  const { id, subject, text, ackUrl } = JSON.parse(body) as Record<string, string | null>
  const to = decodeURIComponent(request.url?.split('/').at(-1) ?? '')
  take({ route: 'webhook', id: id ?? '', to, subject: subject ?? '', text: text ?? '', ackUrl: ackUrl ?? null })
  if (mood() === 'loses-answer') return void request.socket.destroy()
  if (mood() === 'silent') return
  end(202)
}

async function openMail(mood: () => ReceiverMood, take: (one: Omit<Arrived, 'at'>) => void): Promise<SMTPServer> {
  const { SMTPServer } = await import('smtp-server')
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: BYTES_MAX,
    // A silent receiver must not hold its own closing up.
    closeTimeout: 200,
    onRcptTo(_address, _session, done) {
      if (mood() === 'refuses') return done(replyOf(550, 'no such user'))
      done(mood() === 'busy' ? replyOf(451, 'greylisted, try again later') : null)
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address).join(', ')
        take({ route: 'email', to, ...mailOf(Buffer.concat(chunks).toString('latin1')) })
        if (mood() === 'silent') return
        if (mood() === 'loses-answer') return done(replyOf(-1, ''))
        done()
      })
    },
  })
  server.on('error', () => {})
  // smtp-server has no way to hang up instead of answering, so the socket is cut from below.
  server.server.on('connection', (socket) => {
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
    socket.write = ((...args: unknown[]) => {
      if (mood() === 'loses-answer' && String(args[0]).startsWith('-1')) return !socket.destroy()
      return write(...args)
    }) as typeof socket.write
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function replyOf(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

/** Enough of MIME to read our own messages: unfolded headers, encoded words, quoted-printable or base64 text. */
function mailOf(raw: string): Pick<Arrived, 'id' | 'subject' | 'text' | 'ackUrl'> {
  const cut = raw.indexOf('\r\n\r\n')
  const head = raw.slice(0, cut).replace(/\r\n[ \t]+/g, ' ')
  const header = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? ''
  const encoding = header('Content-Transfer-Encoding').toLowerCase()
  const body = raw.slice(cut + 4)
  const bytes =
    encoding === 'base64'
      ? Buffer.from(body, 'base64')
      : Buffer.from(encoding === 'quoted-printable' ? unquote(body) : body, 'latin1')
  const text = bytes.toString('utf8').replace(/\r\n/g, '\n').trimEnd()
  return {
    id: header('X-Holdfast-Id'),
    subject: decodeWords(header('Subject')),
    text,
    ackUrl: header('X-Holdfast-Ack').replace(/ /g, '') || null,
  }
}

function unquote(text: string): string {
  return text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function decodeWords(text: string): string {
  return text
    .replace(/\?= +=\?/g, '?==?')
    .replace(/=\?utf-8\?([QB])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64').toString('utf8')
        : Buffer.from(unquote(word.replace(/_/g, ' ')), 'latin1').toString('utf8'),
    )
}

async function textOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > BYTES_MAX) return null
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
}
