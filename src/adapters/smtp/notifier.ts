/**
 * Pages by e-mail. One connection a message: pages are rare, and an idle connection that died is found out too late.
 * The message body is handed over as a stream that only runs once the server has said "354 go ahead", so that we know afterwards
 * whether the server can have the message: before that, it cannot; after that, only its answer tells.
 */
import { Readable } from 'node:stream'
import type { Message, Notifier, Sent } from '../../ports/notifier.ts'
import { type Unreachable, unreachable } from '../../ports/unreachable.ts'

export interface SmtpSettings {
  /** Default "email". */
  readonly route?: string
  readonly host: string
  /** Usually 587 for starttls, 465 for tls. */
  readonly port: number
  /** `starttls` and `tls` refuse to go on unencrypted. `none` is for a relay on this machine. */
  readonly security: 'starttls' | 'tls' | 'none'
  readonly auth?: { readonly user: string; readonly pass: string }
  /** The sender's address; its domain names our Message-IDs. */
  readonly from: string
  /** A certificate authority of your own, as PEM. */
  readonly ca?: string
  /** Whole conversation, 100 to 15,000 ms. Default 15,000: the port's promise. */
  readonly timeoutMs?: number
}

// One plain address: anything that could add a header or a second recipient is not one.
const ADDRESS = /^[^\s<>(),;:"\\@]{1,64}@[A-Za-z0-9.-]{1,253}$/

export function smtpNotifier(settings: SmtpSettings): Notifier {
  return {
    route: settings.route ?? 'email',
    async send(message) {
      if (!ADDRESS.test(message.to)) return { sent: 'failed', why: 'this is not one e-mail address' }
      return converse(settings, message, await rawOf(settings, message))
    },
  }
}

/** The Message-ID of a page: the same page always has the same, so that a mail server or reader can drop a repeat. */
export function messageIdOf(id: string, from: string): string {
  return `<${id.replace(/[^A-Za-z0-9._-]/g, '-')}@${from.split('@').at(-1)}>`
}

async function rawOf(settings: SmtpSettings, message: Message): Promise<Buffer> {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer')
  const mail = new MailComposer({
    from: settings.from,
    to: message.to,
    subject: message.subject.replace(/[\r\n]+/g, ' '),
    text: message.text,
    messageId: messageIdOf(message.id, settings.from),
    headers: {
      // RFC 3834: nobody's holiday reply may answer a page.
      'Auto-Submitted': 'auto-generated',
      'X-Holdfast-Id': message.id.replace(/[\r\n]+/g, ' '),
      ...(message.ackUrl === undefined ? {} : { 'X-Holdfast-Ack': message.ackUrl }),
    },
  })
  return mail.compile().build()
}

async function converse(settings: SmtpSettings, message: Message, raw: Buffer): Promise<Sent | Unreachable> {
  const { default: SMTPConnection } = await import('nodemailer/lib/smtp-connection')
  const timeoutMs = settings.timeoutMs ?? 15_000
  const connection = new SMTPConnection({
    host: settings.host,
    port: settings.port,
    secure: settings.security === 'tls',
    requireTLS: settings.security === 'starttls',
    ignoreTLS: settings.security === 'none',
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    ...(settings.ca === undefined ? {} : { tls: { ca: settings.ca } }),
  })
  let begun = false
  const body = new Readable({
    read() {
      begun = true
      this.push(raw)
      this.push(null)
    },
  })
  const where = `${settings.host}:${settings.port}`
  return new Promise((resolve) => {
    const end = (answer: Sent | Unreachable) => {
      clearTimeout(timer)
      connection.removeAllListeners('error')
      connection.on('error', () => {})
      connection.close()
      resolve(answer)
    }
    const timer = setTimeout(
      () => end(outcomeOf({ message: `no answer within ${timeoutMs} ms` }, begun, where)),
      timeoutMs,
    )
    const failed = (error: Failure) => end(outcomeOf(error, begun, where))
    connection.once('error', failed)
    connection.connect((error) => {
      if (error) return failed(error)
      const send = () =>
        connection.send({ from: settings.from, to: [message.to] }, body, (problem, info) => {
          if (problem) return failed(problem)
          end({ sent: 'accepted', reference: info.response.slice(0, 200) })
        })
      if (!settings.auth) return send()
      connection.login(settings.auth, (problem) => (problem ? failed(problem) : send()))
    })
  })
}

interface Failure {
  readonly message: string
  readonly responseCode?: number | undefined
  readonly code?: string | undefined
}

/** An answer of the server is the truth. Without one, it depends on whether the server could have had the whole message. */
function outcomeOf(error: Failure, begun: boolean, where: string): Sent | Unreachable {
  const says = error.message.replace(/\s+/g, ' ').slice(0, 200)
  if (error.responseCode !== undefined && error.responseCode >= 400) {
    const how = error.responseCode < 500 ? 'refused it for now' : 'refused it'
    return { sent: 'failed', why: `the mail server ${where} ${how}: ${says}` }
  }
  if (begun) return { sent: 'unknown', why: `the mail server ${where} got the message and did not confirm it: ${says}` }
  if (error.code === 'EAUTH' || error.code === 'ETLS' || error.code === 'EENVELOPE') {
    return { sent: 'failed', why: `the mail server ${where} cannot be used: ${says}` }
  }
  return unreachable(`The mail server ${where} did not answer: ${says}`)
}
