/** The routes that pages take, from the environment: addresses and secrets of notifiers are never in the definition. */
import { type SmtpSettings, smtpNotifier } from '../adapters/smtp/notifier.ts'
import { type WebhookTarget, webhookNotifier } from '../adapters/webhook/notifier.ts'
import { EXIT, OpsError } from '../core/errors.ts'
import type { Notifier } from '../ports/notifier.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * - HOLDFAST_SMTP_URL and HOLDFAST_SMTP_FROM: the route "email". `smtp://user:password@host:587` insists on STARTTLS,
 *   `smtps://…:465` on TLS; only a relay on this machine (`smtp://127.0.0.1:25`) may go without.
 * - HOLDFAST_WEBHOOK_<NAME>_URL and HOLDFAST_WEBHOOK_<NAME>_SECRET: the webhook that the ladder calls `<name>`, lower case.
 */
export function notifiersOf(env: Env): Readonly<Record<string, Notifier>> {
  const targets: Record<string, WebhookTarget> = {}
  for (const [key, url] of Object.entries(env)) {
    const name = /^HOLDFAST_WEBHOOK_([A-Z0-9_]+)_URL$/.exec(key)?.[1]
    if (!name || !url) continue
    targets[name.toLowerCase().replaceAll('_', '-')] = { url, secret: env[`HOLDFAST_WEBHOOK_${name}_SECRET`] ?? '' }
  }
  const smtp = env.HOLDFAST_SMTP_URL
  return {
    ...(smtp ? { email: smtpNotifier(smtpSettings(smtp, env.HOLDFAST_SMTP_FROM)) } : {}),
    ...(Object.keys(targets).length > 0 ? { webhook: webhookNotifier({ targets }) } : {}),
  }
}

function smtpSettings(text: string, from = 'holdfast@localhost'): SmtpSettings {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['smtp:', 'smtps:'].includes(url.protocol) || !url.hostname) {
    throw new OpsError('SMTP_URL', {
      message: 'HOLDFAST_SMTP_URL is not the address of a mail server, so nobody could be paged by e-mail.',
      fix: 'HOLDFAST_SMTP_URL=smtp://user:password@mail.example.gov.uk:587',
      exit: EXIT.usage,
    })
  }
  const isTls = url.protocol === 'smtps:'
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (isTls ? 465 : 587)),
    security: isTls ? 'tls' : isLocal ? 'none' : 'starttls',
    ...(url.username
      ? { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }
      : {}),
    from,
  }
}
