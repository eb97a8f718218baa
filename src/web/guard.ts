/**
 * What stands before every page: the Host and Origin a request may name, the headers every answer carries, and how often somebody
 * may try a sign-in link.
 */
import { isIP } from 'node:net'
import { OpsError } from '../core/errors.ts'
import type { Instant } from '../core/time.ts'
import { CONTENT_SECURITY_POLICY } from './layout.ts'

/**
 * Host names this console answers to. Anything else is refused: a page elsewhere that makes its own name point at our address
 * (DNS rebinding) would otherwise read the console with the operator's cookie.
 */
export class Doors {
  private readonly hosts = new Set<string>()
  private readonly origins = new Set<string>()
  readonly secure: boolean
  readonly url: string

  constructor(listen: { readonly host: string; readonly port: number }, publicUrl?: string) {
    const anywhere = listen.host === '0.0.0.0' || listen.host === '::'
    if (anywhere && !publicUrl) {
      throw new OpsError('CONSOLE_OPEN', {
        message: `The console would listen on every network (${listen.host}) without knowing the name people reach it by.`,
        fix: 'give the public URL, or listen on 127.0.0.1',
      })
    }
    const names = isLoopback(listen.host) ? ['127.0.0.1', 'localhost', '[::1]'] : [bracketed(listen.host)]
    for (const name of anywhere ? ['127.0.0.1', 'localhost'] : names) this.open('http', `${name}:${listen.port}`)
    const here = publicUrl ? new URL(publicUrl) : undefined
    if (here) this.open(here.protocol.replace(':', ''), here.host)
    this.secure = here?.protocol === 'https:'
    this.url = here?.origin ?? `http://${bracketed(listen.host)}:${listen.port}`
  }

  private open(scheme: string, host: string): void {
    this.hosts.add(host.toLowerCase())
    this.origins.add(`${scheme}://${host.toLowerCase()}`)
  }

  hostIsOurs(host: string | undefined): boolean {
    return host !== undefined && this.hosts.has(host.toLowerCase())
  }

  /** A browser names the origin with every POST. Programs that do not send one still need the anti-forgery token. */
  originIsOurs(origin: string | undefined, fetchSite: string | undefined): boolean {
    if (origin !== undefined) return this.origins.has(origin.toLowerCase())
    return fetchSite === undefined || fetchSite === 'same-origin'
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host
}

/** On every answer. `no-referrer` is not used: it makes browsers send "Origin: null" with our own forms. */
export function securityHeaders(secure: boolean): Readonly<Record<string, string>> {
  return {
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    ...(secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  }
}

/** At most `tries` in `perMs` for each caller; callers beyond `callersMax` share one allowance, so memory stays bounded. */
export class Allowance {
  private readonly tries: number
  private readonly perMs: number
  private readonly callersMax: number
  private readonly spent = new Map<string, { from: Instant; used: number }>()

  constructor(tries: number, perMs: number, callersMax = 1_000) {
    this.tries = tries
    this.perMs = perMs
    this.callersMax = callersMax
  }

  take(caller: string, now: Instant): boolean {
    const key = this.spent.has(caller) || this.makeRoom(now) ? caller : 'everybody else'
    const entry = this.spent.get(key)
    // A clock that was set back must not lock anybody out for longer than the window.
    if (!entry || now - entry.from >= this.perMs || now < entry.from) {
      this.spent.set(key, { from: now, used: 1 })
      return true
    }
    entry.used++
    return entry.used <= this.tries
  }

  private makeRoom(now: Instant): boolean {
    if (this.spent.size < this.callersMax) return true
    for (const [key, { from }] of this.spent) if (now - from >= this.perMs) this.spent.delete(key)
    return this.spent.size < this.callersMax
  }
}
