/**
 * Signing in without an identity provider: a one-time link, printed on the machine that runs Holdfast, opens a session.
 *
 *   link    random 256 bits, kept as a hash, 15 minutes, one use        console/link/<hash>     {expiresAt, who, roles}
 *   session random 256 bits, kept as a hash, 12 hours                   console/session/<hash>  {expiresAt, who, roles}
 *   cookie  <session id>.<HMAC of it>: what was not made here never reaches the store
 *
 * `console/index` names the links and sessions there are, so that expired ones are swept when somebody signs in.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Json } from '../core/json.ts'
import { HOUR, type Instant, MINUTE } from '../core/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
import { isRole, type Person, ROLES, type Role } from './person.ts'

/** Long enough to walk to another machine with it, short enough to be gone from a forgotten terminal. */
export const LINK_MS = 15 * MINUTE
/** One shift. */
export const SESSION_MS = 12 * HOUR
/** Links and sessions at one time; the oldest go first. */
const KEPT_MAX = 500
const NAME_MAX = 60

export interface LinkOptions {
  /** The name for the log; absent: whoever opens the link is asked for theirs. */
  readonly who?: string
  /** Default: all. */
  readonly roles?: readonly Role[]
}

export interface Session extends Person {
  /** Hash of the id: what the store and the anti-forgery token go by. */
  readonly key: string
  readonly csrf: string
}

interface Kept {
  readonly expiresAt: Instant
  readonly who: string
  readonly roles: readonly Role[]
}

/** Where the newest console on this store is reached; written by it, read by the command for a new link. */
export const CONSOLE_URL = 'console/url'

/** Saves a new link and gives its path, for whoever may reach the store: the command for a new link. */
export async function saveSignInLink(store: Store, now: Instant, options: LinkOptions = {}): Promise<string> {
  const token = newToken()
  await saveLink(store, hashOf(token), linkOf(options, now))
  return pathOf(token)
}

export class Sessions {
  private readonly store: () => Store | undefined
  private readonly clock: Clock
  private readonly secret: string
  /** Links made before the store was there. They work only once they have been saved, so that one use is one use. */
  private readonly unsaved = new Map<string, Kept>()
  /** Redeeming is one at a time: reading a link and deleting it must not be interleaved. */
  private turn: Promise<unknown> = Promise.resolve()

  constructor(store: () => Store | undefined, clock: Clock, secret: string) {
    this.store = store
    this.clock = clock
    this.secret = secret
  }

  /** A new link's path, at once; it is saved when the store is there (`save`), at the latest when it is used. */
  newLink(options: LinkOptions = {}): string {
    const token = newToken()
    if (this.unsaved.size >= KEPT_MAX) this.unsaved.delete(this.unsaved.keys().next().value!)
    this.unsaved.set(hashOf(token), linkOf(options, this.clock.now()))
    return pathOf(token)
  }

  /** What the link is for, without using it up; null: it is not one that works. */
  async peek(token: string): Promise<{ readonly who: string } | null> {
    const store = this.store()
    const kept = this.unsaved.get(hashOf(token)) ?? (store && keptIn(await store.get(linkKey(hashOf(token)))))
    return kept && kept.expiresAt > this.clock.now() ? { who: kept.who } : null
  }

  /** Uses the link up. `name` is taken when the link does not say who it is for. Null: used, too old, or never one. */
  redeem(token: string, name: string): Promise<{ readonly cookie: string; readonly person: Person } | null> {
    const mine = this.turn.then(() => this.redeemNow(token, name))
    this.turn = mine.catch(() => undefined)
    return mine
  }

  /** Moves the links made before the store was there into it. */
  save(store: Store): Promise<void> {
    const mine = this.turn.then(() => this.saveLinks(store))
    this.turn = mine.catch(() => undefined)
    return mine
  }

  private async saveLinks(store: Store): Promise<void> {
    for (const [hash, kept] of this.unsaved) {
      await saveLink(store, hash, kept)
      this.unsaved.delete(hash)
    }
  }

  private async redeemNow(token: string, name: string) {
    const store = this.store()
    if (!store) return null
    const now = this.clock.now()
    await this.saveLinks(store)
    const hash = hashOf(token)
    const link = keptIn(await store.get(linkKey(hash)))
    if (!link) return null
    const who = link.who || tidyName(name)
    if (who === '') return null
    await store.put(linkKey(hash), null)
    if (link.expiresAt <= now) return null
    const id = newToken()
    const person = { who, roles: link.roles }
    await keep(store, sessionKey(hashOf(id)), { ...person, expiresAt: now + SESSION_MS }, now)
    return { cookie: `${id}.${this.seal('session', id)}`, person }
  }

  /** Who the cookie belongs to, or null. Throws what the store throws. */
  async read(cookie: string | undefined): Promise<Session | null> {
    const id = this.idIn(cookie)
    const store = this.store()
    if (!id || !store) return null
    const key = hashOf(id)
    const kept = keptIn(await store.get(sessionKey(key)))
    if (!kept || kept.expiresAt <= this.clock.now()) return null
    return { key, who: kept.who, roles: kept.roles, csrf: this.seal('csrf', key) }
  }

  /** True when the cookie was made here; says nothing about whether its session still is. */
  isOurs(cookie: string | undefined): boolean {
    return this.idIn(cookie) !== null
  }

  async end(session: Session): Promise<void> {
    await this.store()?.put(sessionKey(session.key), null)
  }

  csrfMatches(session: Session, given: unknown): boolean {
    return typeof given === 'string' && sameText(given, session.csrf)
  }

  private idIn(cookie: string | undefined): string | null {
    const [id, seal, ...more] = (cookie ?? '').slice(0, 200).split('.')
    if (!id || !seal || more.length > 0) return null
    return sameText(seal, this.seal('session', id)) ? id : null
  }

  private seal(purpose: 'session' | 'csrf', text: string): string {
    return createHmac('sha256', this.secret).update(`holdfast-console-${purpose}\n${text}`).digest('base64url')
  }
}

/** A name for the log: one line, 1 to 60 characters; '' when nothing is left, or when it is the name under which we decide. */
export function tidyName(name: string): string {
  const tidy = name
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, NAME_MAX)
    .trim()
  return tidy.toLowerCase() === 'holdfast' ? '' : tidy
}

function linkOf(options: LinkOptions, now: Instant): Kept {
  return { who: tidyName(options.who ?? ''), roles: options.roles ?? ROLES, expiresAt: now + LINK_MS }
}

async function saveLink(store: Store, hash: string, link: Kept): Promise<void> {
  await keep(store, linkKey(hash), link, link.expiresAt - LINK_MS)
}

/** Writes one setting, and sweeps those that have expired. Two consoles sweeping at once may leave a row behind, no more. */
async function keep(store: Store, key: string, kept: Kept, now: Instant): Promise<void> {
  await store.put(key, { ...kept })
  const index = indexIn(await store.get('console/index'))
  const live = index.filter(([, expiresAt]) => expiresAt > now).slice(-(KEPT_MAX - 1))
  const liveKeys = new Set(live.map(([name]) => name))
  for (const [name] of index) if (!liveKeys.has(name)) await store.put(name, null)
  await store.put('console/index', [...live, [key, kept.expiresAt]])
}

function indexIn(stored: Json): [string, Instant][] {
  if (!Array.isArray(stored)) return []
  return stored.filter((row): row is [string, Instant] => Array.isArray(row) && /^console\//.test(String(row[0])))
}

function keptIn(stored: Json): Kept | null {
  if (stored === null || typeof stored !== 'object' || Array.isArray(stored)) return null
  const { who, roles, expiresAt } = stored as Readonly<Record<string, Json>>
  if (typeof who !== 'string' || typeof expiresAt !== 'number' || !Array.isArray(roles)) return null
  return { who, expiresAt, roles: roles.filter(isRole) }
}

const newToken = () => randomBytes(32).toString('base64url')
const hashOf = (token: string) => createHash('sha256').update(token).digest('hex')
const pathOf = (token: string) => `/sign-in/${token}`
const linkKey = (hash: string) => `console/link/${hash}`
const sessionKey = (hash: string) => `console/session/${hash}`

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
