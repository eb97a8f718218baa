/**
 * The operator console: pages rendered here, forms posted back, and a stream for whoever has JavaScript. It answers before the
 * database is there and while it is gone, and says so; deciding is the engine's, a form only leaves a message in its inbox.
 */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf, OpsError } from '../core/errors.ts'
import { MINUTE } from '../core/time.ts'
import type { Store } from '../ports/store.ts'
import { loadAssets } from './assets.ts'
import type { Asked, ConsoleOptions, Desk, Look, PageOf } from './desk.ts'
import { addForms } from './forms.ts'
import { Allowance, Doors, securityHeaders } from './guard.ts'
import { type Frame, layout, type Screen } from './layout.ts'
import { Live } from './live.ts'
import { pause } from './pause.ts'
import { addAckPages } from './pages/ack.ts'
import { deploymentPage } from './pages/deployment.ts'
import { deploymentsPage } from './pages/deployments.ts'
import { homePage } from './pages/home.ts'
import { incidentPage } from './pages/incident.ts'
import { incidentsPage } from './pages/incidents.ts'
import { entryPage, logPage, proofText } from './pages/log.ts'
import { notFoundScreen, problemScreen, startingScreen, storeGoneScreen, tooManyScreen } from './pages/problem.ts'
import { servicePage } from './pages/service.ts'
import { linkScreen, returnScreen, signInScreen } from './pages/sign-in.ts'
import { CONSOLE_URL, type LinkOptions, type Session, SESSION_MS, Sessions, tidyName } from './session.ts'

export interface Console {
  /** Where people reach it: the public URL, or the address it listens on. */
  readonly url: string
  /** The port it listens on. */
  readonly port: number
  /** A new one-time sign-in link, absolute; 15 minutes, one use. The link for the demo has every role. */
  signInLink(options?: LinkOptions): string
  close(): Promise<void>
}

/** Starts listening. Throws OpsError('CONSOLE_PORT') when the port is taken. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { app, sessions, live, listenAs } = await buildConsole(options)
  try {
    await app.listen({ host: options.listen.host, port: options.listen.port })
  } catch (thrown) {
    await app.close()
    throw new OpsError('CONSOLE_PORT', {
      message: `The console cannot listen on ${options.listen.host}:${options.listen.port}: ${messageOf(thrown)}.`,
      fix: 'choose another port, or 0 for any free one',
      cause: thrown,
    })
  }
  const address = app.server.address()
  const port = typeof address === 'object' && address ? address.port : options.listen.port
  const doors = listenAs(port)
  const closing = new AbortController()
  const announced = announce(options, sessions, doors.url, closing.signal)
  return {
    url: doors.url,
    port,
    signInLink: (link) => `${doors.url}${sessions.newLink(link)}`,
    async close() {
      closing.abort()
      live.close()
      await Promise.all([announced, app.close()])
    },
  }
}

/** How long to wait before the store is asked for again. */
const ASK_MS = 250

/** When the store is there: the links made so far go into it, hashed, and the address for the command that makes new ones. */
async function announce(options: ConsoleOptions, sessions: Sessions, url: string, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    const store = storeOf(options)()
    try {
      if (store) {
        await sessions.save(store)
        await store.put(CONSOLE_URL, url)
        return
      }
    } catch (thrown) {
      options.log(`console: the store did not take the sign-in links: ${messageOf(thrown)}`)
    }
    await pause(ASK_MS, closing)
  }
}

function storeOf({ store }: ConsoleOptions): () => Store | undefined {
  return typeof store === 'function' ? store : () => store
}

/** Pages and the path each is under; `/live` before the path is its stream. */
const PAGES: readonly { readonly path: string; readonly show: PageOf }[] = [
  { path: '/', show: homePage },
  { path: '/deployments', show: deploymentsPage },
  { path: '/deployments/:id', show: deploymentPage },
  { path: '/incidents', show: incidentsPage },
  { path: '/incidents/:id', show: incidentPage },
  { path: '/services/:id', show: servicePage },
  { path: '/log', show: logPage },
  { path: '/log/:index', show: entryPage },
]

/** Staff, each with a few pages open. More is an accident or an attack, and must not take the engine's memory. */
const CONNECTIONS_MAX = 500

/** The cookie's name says that it is only ever sent over TLS, where there is TLS. */
const cookieName = (secure: boolean) => (secure ? '__Host-holdfast' : 'holdfast')

/** The application without a socket, for tests too. `listenAs` tells it the port it got. */
export async function buildConsole(options: ConsoleOptions): Promise<{
  readonly app: FastifyInstance
  readonly sessions: Sessions
  readonly live: Live
  readonly listenAs: (port: number) => Doors
}> {
  if (options.secret.length < 32) {
    throw new OpsError('CONSOLE_SECRET', {
      message: 'The secret that seals sign-in cookies is shorter than 32 characters.',
      fix: 'let Holdfast make one, or give 32 random characters or more',
    })
  }
  let doors = new Doors(options.listen, options.publicUrl)
  const store = storeOf(options)
  const [{ default: fastify }, cookie, formbody, assets] = await Promise.all([
    import('fastify'),
    import('@fastify/cookie'),
    import('@fastify/formbody'),
    loadAssets(),
  ])
  const sessions = new Sessions(store, options.clock, options.secret)
  const desk: Desk = { options, sessions, assets, store }
  const live = new Live(desk)
  const app = fastify({
    logger: false,
    bodyLimit: 16 * 1_024,
    requestTimeout: 15_000,
    // Behind a proxy the caller's address is what that one proxy says.
    trustProxy: (_address, hop) => options.publicUrl !== undefined && hop < 1,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 2_048, ignoreTrailingSlash: true },
  })
  app.server.maxConnections = CONNECTIONS_MAX
  // Forms only: nothing here reads JSON, and what is not read cannot be misread.
  app.removeAllContentTypeParsers()
  await app.register(cookie.default)
  await app.register(formbody.default)
  const cookieIs = cookieName(doors.secure)
  const cookieOf = (request: FastifyRequest) => request.cookies[cookieIs]
  const signInTries = new Allowance(10, MINUTE)

  const frame = (person: Session | null): Frame => ({
    now: options.clock.now(),
    version: options.version,
    person,
    csrf: person?.csrf ?? '',
    assets,
  })
  const send = (reply: FastifyReply, screen: Screen, person: Session | null = null) =>
    reply
      .code(screen.status ?? 200)
      .header('content-type', 'text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(layout(screen, frame(person)))

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders(doors.secure))
    if (!doors.hostIsOurs(request.headers.host)) {
      return reply.code(421).type('text/plain').send('This console does not answer to that host name.\n')
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const { origin, 'sec-fetch-site': site } = request.headers
      if (!doors.originIsOurs(origin, typeof site === 'string' ? site : undefined)) {
        return send(reply, problemScreen(403, 'This form was sent from another site', 'Nothing was changed.'))
      }
    }
    return undefined
  })

  app.setNotFoundHandler(async (request, reply) => {
    const session = store() ? await sessions.read(cookieOf(request)).catch(() => null) : null
    return send(reply, notFoundScreen(), session)
  })

  app.setErrorHandler(async (thrown: Error & { statusCode?: number }, _request, reply) => {
    if (thrown instanceof OpsError && thrown.code === 'STORE_GONE') {
      return send(reply.header('retry-after', '5'), storeGoneScreen())
    }
    const status = thrown.statusCode ?? 500
    if (status >= 400 && status < 500) {
      return send(reply, problemScreen(status, 'That request could not be read', 'Go back and try again.'))
    }
    const reference = randomUUID().slice(0, 8)
    options.log(`console: ${reference}: ${thrown.stack ?? thrown.message}`)
    const words = `Nothing was changed. Deployments and paging go on without this page. Reference: ${reference}.`
    return send(reply, problemScreen(500, 'Sorry, there is a problem with this page', words))
  })

  app.get('/health', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: store() ? 'ok' : 'starting', version: options.version }),
  )

  app.get('/assets/*', async (request, reply) => {
    const asset = assets.get(request.url.split('?')[0]!)
    if (!asset) return reply.callNotFound()
    const gzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
    reply.header('cache-control', 'public, max-age=31536000, immutable').header('vary', 'accept-encoding')
    if (gzip) reply.header('content-encoding', 'gzip')
    return reply.type(asset.type).send(gzip ? await asset.gzipped() : asset.body)
  })

  /** Gives the signed-in person, or answers with what to do instead and gives null. */
  async function enter(request: FastifyRequest, reply: FastifyReply): Promise<Look | null> {
    const there = store()
    if (!there) {
      await send(reply.header('retry-after', '2'), startingScreen())
      return null
    }
    const session = await sessions.read(cookieOf(request))
    if (session) {
      return { desk, store: there, now: options.clock.now(), person: session }
    }
    // A strict cookie is not sent when somebody follows a link from a page or an e-mail: ask the browser to come again by itself.
    const fromElsewhere = ['cross-site', 'same-site'].includes(String(request.headers['sec-fetch-site']))
    if (request.method === 'GET' && fromElsewhere && cookieOf(request) === undefined) {
      await send(reply, returnScreen(request.url))
    } else await send(reply, signInScreen())
    return null
  }

  async function session(request: FastifyRequest): Promise<Session | null> {
    return store() ? sessions.read(cookieOf(request)) : null
  }

  for (const { path, show } of PAGES) {
    app.get(path, async (request, reply) => {
      const look = await enter(request, reply)
      if (!look) return reply
      const screen = await show(look, askedOf(request))
      return send(reply, screen ?? notFoundScreen(), look.person)
    })
    app.get(`/live${path === '/' ? '' : path}`, async (request, reply) => {
      const there = store()
      const person = await session(request)
      if (!there || !person) return reply.code(there ? 403 : 503).send()
      if (!live.hasRoomFor(person)) return reply.code(503).header('retry-after', '15').send()
      const asked = askedOf(request)
      reply.hijack()
      for (const [header, value] of Object.entries(securityHeaders(doors.secure))) reply.raw.setHeader(header, value)
      live.open(request.raw, reply.raw, person, cookieOf(request), (now) =>
        show({ desk, store: store() ?? there, now, person }, asked),
      )
      return reply
    })
  }

  app.get<{ Params: { index: string } }>('/log/:index/proof.txt', async (request, reply) => {
    const look = await enter(request, reply)
    if (!look) return reply
    const text = await proofText(look.store, request.params.index)
    return text === null
      ? reply.callNotFound()
      : reply.header('cache-control', 'no-store').type('text/plain; charset=utf-8').send(text)
  })

  app.get('/sign-in', async (_request, reply) => send(reply, signInScreen(200)))

  app.get<{ Params: { token: string } }>('/sign-in/:token', async (request, reply) => {
    if (!signInTries.take(request.ip, options.clock.now())) return send(reply, tooManyScreen())
    const { token } = request.params
    const link = await sessions.peek(token)
    return send(reply, link ? linkScreen(token, link.who) : signInScreen(410, 'used'))
  })

  app.post<{ Params: { token: string } }>('/sign-in/:token', async (request, reply) => {
    if (!signInTries.take(request.ip, options.clock.now())) return send(reply, tooManyScreen())
    const there = store()
    if (!there) return send(reply.header('retry-after', '2'), startingScreen())
    const { token } = request.params
    const name = fieldsOf(request.body).name ?? ''
    const link = await sessions.peek(token)
    if (link && link.who === '' && tidyName(name) === '') return send(reply, linkScreen(token, '', true))
    const signedIn = await sessions.redeem(token, name)
    if (!signedIn) return send(reply, signInScreen(410, 'used'))
    const { who, roles } = signedIn.person
    await there.record('holdfast', [
      {
        kind: 'console.signed-in',
        subject: 'console',
        who,
        why: `${who} signed in to the console with a one-time link, as ${roles.join(', ')}.`,
        data: { roles: [...roles] },
      },
    ])
    return reply
      .setCookie(cookieIs, signedIn.cookie, {
        path: '/',
        httpOnly: true,
        sameSite: 'strict',
        secure: doors.secure,
        maxAge: SESSION_MS / 1_000,
      })
      .redirect('/', 303)
  })

  app.post('/sign-out', async (request, reply) => {
    const person = await session(request)
    if (person && !sessions.csrfMatches(person, fieldsOf(request.body).csrf)) return reply.redirect('/', 303)
    if (person) {
      await sessions.end(person)
      live.signedOut(person)
    }
    return reply.clearCookie(cookieIs, { path: '/' }).redirect('/sign-in', 303)
  })

  addForms(app, { enter, send: (reply, screen, look) => send(reply, screen, look.person), fieldsOf })
  addAckPages(app, { desk, send: (reply, screen) => send(reply, screen), tries: new Allowance(30, MINUTE) })

  return {
    app,
    sessions,
    live,
    listenAs(port) {
      doors = new Doors({ host: options.listen.host, port }, options.publicUrl)
      return doors
    },
  }
}

function askedOf(request: FastifyRequest): Asked {
  return { params: wordsOf(request.params), query: wordsOf(request.query) }
}

/** Only single strings, bounded: what a hostile query or form may otherwise hold never reaches a page. */
function wordsOf(given: unknown): Readonly<Record<string, string>> {
  const words: Record<string, string> = Object.create(null)
  for (const [key, value] of Object.entries((given ?? {}) as Record<string, unknown>).slice(0, 30)) {
    if (typeof value === 'string') words[key] = value.slice(0, 8_000)
  }
  return words
}

function fieldsOf(body: unknown): Readonly<Record<string, string>> {
  return typeof body === 'object' ? wordsOf(body) : {}
}
