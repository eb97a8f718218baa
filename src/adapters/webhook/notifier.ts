/** Pages by a signed HTTP POST: to a pager, a chat bridge, or anything that can read JSON. See signature.ts for how to check one. */
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import type { Message, Notifier, Sent } from '../../ports/notifier.ts'
import { type Unreachable, unreachable } from '../../ports/unreachable.ts'
import { SIGNATURE_HEADER, signWebhook, TIMESTAMP_HEADER } from './signature.ts'

export interface WebhookTarget {
  /** https, or http to this machine only: the text of a page is not for the network to read. */
  readonly url: string
  /** Shared with the receiver, 16 characters or more. */
  readonly secret: string
}

export interface WebhookSettings {
  /** Default "webhook". */
  readonly route?: string
  /** By the names that the escalation ladder uses. */
  readonly targets: Readonly<Record<string, WebhookTarget>>
  /** From connecting to the answer's status, 100 to 15,000 ms. Default 15,000: the port's promise. */
  readonly timeoutMs?: number
}

// A signature by a short secret can be guessed, and then pages can be forged.
const SECRET_MIN = 16

export function webhookNotifier(settings: WebhookSettings): Notifier {
  return {
    route: settings.route ?? 'webhook',
    async send(message) {
      const target = Object.hasOwn(settings.targets, message.to) ? settings.targets[message.to] : undefined
      if (!target) return { sent: 'failed', why: `no webhook is called "${message.to.slice(0, 60)}"` }
      const url = URL.canParse(target.url) ? new URL(target.url) : undefined
      if (!url || !mayCarry(url)) return { sent: 'failed', why: `the webhook "${message.to}" needs an https address` }
      if (target.secret.length < SECRET_MIN)
        return { sent: 'failed', why: `the webhook "${message.to}" has no secret to sign with` }
      return post(url, target.secret, message, settings.timeoutMs ?? 15_000)
    },
  }
}

function mayCarry(url: URL): boolean {
  return (
    url.protocol === 'https:' || (url.protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname))
  )
}

function post(url: URL, secret: string, message: Message, timeoutMs: number): Promise<Sent | Unreachable> {
  const body = JSON.stringify({
    id: message.id,
    subject: message.subject,
    text: message.text,
    ackUrl: message.ackUrl ?? null,
    data: message.data ?? {},
  })
  const timestamp = Math.floor(Date.now() / 1000)
  return new Promise((resolve) => {
    let delivered = false
    const call = (url.protocol === 'https:' ? secure : plain)(url, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'idempotency-key': message.id.replace(/[^\x21-\x7e]/g, '-'),
        [TIMESTAMP_HEADER]: String(timestamp),
        [SIGNATURE_HEADER]: signWebhook(secret, timestamp, body),
      },
    })
    const end = (answer: Sent | Unreachable) => {
      clearTimeout(timer)
      resolve(answer)
      call.destroy()
    }
    // Without an answer it depends on whether the receiver could have had the request.
    const lost = (why: string) =>
      end(
        delivered
          ? { sent: 'unknown', why: `${url.host} got the message and did not confirm it: ${why}` }
          : unreachable(`${url.host} did not answer: ${why}`),
      )
    const timer = setTimeout(() => lost(`nothing within ${timeoutMs} ms`), timeoutMs)
    call.on('finish', () => {
      delivered = call.socket?.connecting === false
    })
    call.on('error', (error) => lost(error.message || (error as NodeJS.ErrnoException).code || 'connection failed'))
    call.on('response', (answer) => {
      answer.resume()
      end(outcomeOf(answer.statusCode ?? 0, url.host, String(answer.headers['x-request-id'] ?? '')))
    })
    call.end(body)
  })
}

function outcomeOf(status: number, host: string, reference: string): Sent {
  if (status >= 200 && status < 300)
    return { sent: 'accepted', reference: reference.slice(0, 200) || `${host} answered ${status}` }
  // A redirect would carry the page, and its acknowledgement link, to a place that nobody chose.
  if (status >= 300 && status < 400)
    return { sent: 'failed', why: `${host} answered ${status}; redirects are not followed` }
  return {
    sent: 'failed',
    why: `${host} answered ${status}${status === 429 || status >= 500 ? ', it may work later' : ''}`,
  }
}
