/** As much of a browser as a form needs: cookies, hidden fields, one connection kept or a new one each time. */
import http from 'node:http'
import type { Answer } from './script.ts'

export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly form?: Readonly<Record<string, string | readonly string[]>>
}

/**
 * connection: no answer came, or not one that is HTTP. truncated: an answer began and its end is missing. timeout: we gave up.
 * generator: the request never left, because this machine had no file, port or memory for it: that says nothing about the service.
 * `reconnected`: the kept connection had been closed under us before a byte came, and the same GET went out on a new one,
 * as browsers do (RFC 9110 §9.2.2).
 */
export type Got =
  | { readonly got: 'answer'; readonly answer: Answer; readonly ms: number; readonly reconnected: boolean }
  | { readonly got: 'connection' | 'truncated' | 'timeout' | 'generator'; readonly why: string; readonly ms: number }

export interface Browser {
  ask(asked: Asked): Promise<Got>
  close(): void
}

export interface BrowserOptions {
  readonly url: URL
  readonly userAgent: string
  readonly keepAlive: boolean
  /** After this long nobody waits any more, in ms. */
  readonly timeoutMs: number
}

/** Bytes of a body that are kept and searched. */
const BODY_MAX = 256 * 1024
/** What the system says when it is us who cannot ask: no files, local ports, buffers or memory left. */
const OURS = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM'])
/** Cookies a jar holds; more come only from a broken or hostile server. */
const COOKIES_MAX = 50

export function openBrowser(options: BrowserOptions): Browser {
  const agent = options.keepAlive ? new http.Agent({ keepAlive: true, maxSockets: 1 }) : false
  const cookies = new Map<string, string>()
  let hidden: Readonly<Record<string, string>> = {}
  const ask = async (asked: Asked): Promise<Got> => {
    const body = asked.form && new URLSearchParams(pairsOf({ ...hidden, ...asked.form })).toString()
    const headers = {
      'user-agent': options.userAgent,
      accept: 'text/html',
      ...(cookies.size > 0 && { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
      ...(body !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
      }),
    }
    const got = await exchange(options, agent, asked, headers, body)
    if (got.got === 'answer') {
      keepCookies(cookies, got.answer)
      if (got.answer.status < 500) hidden = { ...hidden, ...hiddenFieldsOf(got.answer.body) }
    }
    return got
  }
  return { ask, close: () => (agent ? agent.destroy() : undefined) }
}

async function exchange(
  options: BrowserOptions,
  agent: http.Agent | false,
  asked: Asked,
  headers: http.OutgoingHttpHeaders,
  body: string | undefined,
): Promise<Got> {
  const first = await once(options, agent, asked, headers, body)
  if (!('reused' in first)) return first
  if (asked.method !== 'GET') return { got: 'connection', why: first.reused, ms: first.ms }
  const second = await once(options, agent, asked, headers, body)
  if ('reused' in second) return { got: 'connection', why: second.reused, ms: first.ms + second.ms }
  return second.got === 'answer' ? { ...second, ms: first.ms + second.ms, reconnected: true } : second
}

/** A reused connection that failed before the first byte of an answer is told apart: a browser may try that again. */
type Once = Got | { readonly reused: string; readonly ms: number }

function once(
  options: BrowserOptions,
  agent: http.Agent | false,
  asked: Asked,
  headers: http.OutgoingHttpHeaders,
  body: string | undefined,
): Promise<Once> {
  const begun = performance.now()
  return new Promise((resolve) => {
    const end = (result: DistributiveOmit<Once, 'ms'>) => {
      clearTimeout(timer)
      resolve({ ...result, ms: performance.now() - begun } as Once)
    }
    const { hostname, port } = options.url
    const request = http.request({ agent, hostname, port, path: asked.path, method: asked.method, headers })
    const timer = setTimeout(() => {
      end({ got: 'timeout', why: `no whole answer after ${options.timeoutMs} ms` })
      request.destroy()
    }, options.timeoutMs)
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (OURS.has(error.code ?? '')) end({ got: 'generator', why: error.message })
      else end(request.reusedSocket ? { reused: error.message } : { got: 'connection', why: error.message })
    })
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      let kept = 0
      response.on('data', (chunk: Buffer) => {
        if (kept < BODY_MAX) chunks.push(chunk)
        kept += chunk.length
      })
      response.on('error', (error) => end({ got: 'truncated', why: error.message }))
      response.on('close', () => {
        if (!response.complete) end({ got: 'truncated', why: 'the answer ended too early' })
      })
      response.on('end', () => {
        if (!response.complete) return
        const text = Buffer.concat(chunks).subarray(0, BODY_MAX).toString('utf8')
        const answer = { status: response.statusCode ?? 0, headers: response.headers, body: text }
        end({ got: 'answer', answer, reconnected: false })
      })
    })
    request.end(body)
  })
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

function pairsOf(form: Readonly<Record<string, string | readonly string[]>>): [string, string][] {
  return Object.entries(form).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  )
}

/** Keeps name and value; a cookie that has ended is dropped. Path and domain do not matter for one service. */
function keepCookies(jar: Map<string, string>, answer: Answer): void {
  for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
    const [pair = '', ...attributes] = line.split(';')
    const at = pair.indexOf('=')
    if (at < 1) continue
    const name = pair.slice(0, at).trim()
    const gone = attributes.some((one) => /^\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(one))
    if (gone) jar.delete(name)
    else if (jar.size < COOKIES_MAX || jar.has(name)) jar.set(name, pair.slice(at + 1).trim())
  }
}

const HIDDEN = /<input type="hidden" name="([^"]{1,100})" value="([^"]{0,2000})"/g

/** The hidden fields of a page: the form token that has to come back. */
export function hiddenFieldsOf(html: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...html.matchAll(HIDDEN)].map(([, name, value]) => [name!, value!]))
}
