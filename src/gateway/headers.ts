/**
 * What crosses the gateway. Headers are handled as Node's flat raw list (name, value, name, value…), so that order, spelling
 * and repeats arrive as they were sent.
 */
import { SEAT_COOKIE, takeSeatCookie } from '../core/traffic/seat.ts'

// RFC 9110 section 7.6.1: these speak of one connection, not of the message. Keep-Alive and Proxy-Connection by custom.
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
])

/** Names that a `Connection` header may not take away: they frame or address the message. */
const NEVER_DROPPED = new Set(['content-length', 'host', 'cookie', 'content-type', 'trailer'])

/** Names that only we may set; from outside they are dropped. */
const OURS = new Set(['x-shadow', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-holdfast-visitor'])

export interface Inbound {
  readonly rawHeaders: readonly string[]
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly remoteAddress: string
}

/** Why this request must not be forwarded, or undefined. Node's strict parser has refused the plainly broken ones before. */
export function ambiguity(rawHeaders: readonly string[]): string | undefined {
  let hosts = 0
  let lengths = 0
  let encodings = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length < 4 || name.length > 17) continue
    const lower = name.toLowerCase()
    if (lower === 'host') hosts++
    else if (lower === 'content-length') lengths++
    else if (lower === 'transfer-encoding') encodings += rawHeaders[i + 1]!.trim().toLowerCase() === 'chunked' ? 1 : 2
  }
  if (hosts > 1) return 'more than one Host'
  if (lengths > 1) return 'more than one Content-Length'
  if (encodings > 1) return 'a Transfer-Encoding other than chunked'
  if (lengths + encodings > 1) return 'both Content-Length and Transfer-Encoding'
  return undefined
}

/** True when the request carries a body, judged by its framing as RFC 9112 section 6 does. */
export function hasBody(headers: Inbound['headers']): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** 'https' when the citizen's own connection was encrypted in front of us. */
export function protocolOf(headers: Inbound['headers']): 'http' | 'https' {
  return headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
}

export interface ForwardOptions {
  readonly method: string
  readonly visitor: string
  /** Name of the probe header, whose secret the release must not learn. */
  readonly probeHeader: string
  /** Encodings that we can read are all that may come back, because the answer is searched for its marker. */
  readonly readable: boolean
  readonly upgrade?: boolean
}

/**
 * Headers for the release. The address list is appended to, as RFC 7239 asks of every proxy; a front that ends TLS tells the
 * protocol. The probe's secret and our cookie stay with us; who is visiting is told in `X-Holdfast-Visitor`.
 */
export function requestHeaders(from: Inbound, { method, visitor, probeHeader, readable, upgrade }: ForwardOptions) {
  const { rawHeaders, headers } = from
  const dropped = droppedBy(headers.connection)
  const probe = probeHeader.toLowerCase()
  const list: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    const lower = name.toLowerCase()
    if (HOP_BY_HOP.has(lower) || OURS.has(lower) || lower === probe || dropped?.has(lower)) continue
    let value = rawHeaders[i + 1]!
    if (lower === 'cookie' && value.includes(SEAT_COOKIE)) {
      value = takeSeatCookie(value).rest
      if (value === '') continue
    } else if (readable && lower === 'accept-encoding') value = readableEncodings(value)
    list.push(name, value)
  }
  if (headers['transfer-encoding'] !== undefined) list.push('Transfer-Encoding', 'chunked')
  else if (headers['content-length'] === undefined && !BODYLESS.has(method)) list.push('Content-Length', '0')
  if (upgrade) list.push('Connection', 'Upgrade', 'Upgrade', String(headers.upgrade))
  const known = headers['x-forwarded-for']
  list.push('X-Forwarded-For', known ? `${known}, ${from.remoteAddress}` : from.remoteAddress)
  list.push('X-Forwarded-Proto', protocolOf(headers))
  if (headers.host) list.push('X-Forwarded-Host', String(headers['x-forwarded-host'] ?? headers.host))
  list.push('X-Holdfast-Visitor', visitor)
  return list
}

const BODYLESS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE'])

const READABLE = new Set(['gzip', 'br', 'deflate', 'identity'])

function readableEncodings(value: string): string {
  const kept = value.split(',').filter((each) => READABLE.has(each.split(';')[0]!.trim().toLowerCase()))
  return kept.length > 0 ? kept.join(',') : 'identity'
}

export interface ForCitizen {
  /** What the release sent, without what spoke of its connection. */
  readonly headers: string[]
  /** Its `Content-Encoding`. */
  readonly encoding: string | undefined
  /** Caches may give it to others. */
  readonly shared: boolean
}

/** `trailers`: the answer will be in chunks, so that some may follow it. Node throws where they are announced otherwise. */
export function answerHeaders(
  rawHeaders: readonly string[],
  connection: string | undefined,
  trailers: boolean,
): ForCitizen {
  const dropped = droppedBy(connection)
  const headers: string[] = []
  let encoding: string | undefined
  let shared = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    const value = rawHeaders[i + 1]!
    const lower = name.toLowerCase()
    if (HOP_BY_HOP.has(lower) || dropped?.has(lower) || (lower === 'trailer' && !trailers)) continue
    headers.push(name, value)
    if (lower === 'content-encoding') encoding = value
    else if (lower === 'cache-control') shared ||= SHARED.test(value)
  }
  return { headers, encoding, shared }
}

const SHARED = /\bpublic\b|\bs-maxage\b/i

function droppedBy(connection: string | string[] | undefined): Set<string> | undefined {
  if (connection === undefined) return undefined
  const text = String(connection).toLowerCase()
  if (text === 'keep-alive' || text === 'close') return undefined
  const names = text.split(',').map((name) => name.trim())
  return new Set(names.filter((name) => !NEVER_DROPPED.has(name)))
}
