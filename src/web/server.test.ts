import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scene } from '../../test/journeys/scene.ts'
import { OpsError } from '../core/errors.ts'
import { signAck } from '../core/respond/ack.ts'
import type { DeploymentState } from '../core/deploy/deployment.ts'
import { HOUR, MINUTE } from '../core/time.ts'
import type { Store } from '../ports/store.ts'
import type { ConsoleOptions } from './desk.ts'
import { buildConsole } from './server.ts'
import { type LinkOptions, saveSignInLink } from './session.ts'

const HOST = '127.0.0.1:8400'
const ORIGIN = `http://${HOST}`

/** A browser as far as the console can tell: it keeps a cookie, and names the host and the origin. */
async function visit(changed: Partial<ConsoleOptions> = {}) {
  const scene = new Scene()
  const built = await buildConsole(scene.options({ listen: { host: '127.0.0.1', port: 8400 }, ...changed }))
  let cookie = ''
  const send = async (method: 'GET' | 'POST', url: string, body?: string, headers: Record<string, string> = {}) => {
    const answer = await built.app.inject({
      method,
      url,
      headers: {
        host: HOST,
        ...(cookie ? { cookie } : {}),
        ...(method === 'POST' ? { origin: ORIGIN, 'content-type': 'application/x-www-form-urlencoded' } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: body }),
    })
    const set = answer.headers['set-cookie']
    if (typeof set === 'string') cookie = set.split(';')[0]!
    return answer
  }
  const get = (url: string, headers?: Record<string, string>) => send('GET', url, undefined, headers)
  const post = (url: string, fields: Record<string, string>, headers?: Record<string, string>) =>
    send('POST', url, new URLSearchParams(fields).toString(), headers)
  /** The anti-forgery token of a page. */
  const csrf = async (url = '/') => /name="csrf" value="([^"]+)"/.exec((await get(url)).body)?.[1] ?? ''
  const signIn = async (options: LinkOptions = { who: 'Asha' }) => {
    const answer = await post(built.sessions.newLink(options), { name: '' })
    assert.equal(answer.statusCode, 303)
  }
  return { ...built, scene, get, post, csrf, signIn, cookieOf: () => cookie, send }
}

test('a one-time link signs in once, and opening it uses nothing up', async () => {
  const { sessions, get, post } = await visit()
  const link = sessions.newLink()
  for (let i = 0; i < 3; i++) assert.match((await get(link)).body, /Your name/)
  const nameless = await post(link, { name: '  ' })
  assert.equal(nameless.statusCode, 422)
  assert.match(nameless.body, /Enter your name/)
  assert.equal((await post(link, { name: ' HoldFast\u200b' })).statusCode, 422)
  const first = await post(link, { name: 'Asha\u0000\n  Rahman' })
  assert.equal(first.statusCode, 303)
  const set = String(first.headers['set-cookie'])
  for (const word of ['HttpOnly', 'SameSite=Strict', 'Path=/']) assert.ok(set.includes(word), word)
  assert.match((await get('/')).body, /Asha Rahman/)
  const second = await post(link, { name: 'Ben' })
  assert.equal(second.statusCode, 410)
  assert.match(second.body, /does not work any more/)
})

test('a link opened at the same moment by two people lets one in', async () => {
  const { sessions, post } = await visit()
  const link = sessions.newLink()
  const answers = await Promise.all([post(link, { name: 'Asha' }), post(link, { name: 'Ben' })])
  assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [303, 410])
})

test('links end after 15 minutes, sessions after 12 hours', async () => {
  const { sessions, post, get, signIn, scene } = await visit()
  const link = sessions.newLink()
  scene.now += 15 * MINUTE
  assert.equal((await post(link, { name: 'Asha' })).statusCode, 410)
  await signIn()
  scene.now += 12 * HOUR - 1
  assert.equal((await get('/')).statusCode, 200)
  scene.now += 1
  assert.equal((await get('/')).statusCode, 401)
})

test('a link made by another process on the same store works, and the store holds no token', async () => {
  const { scene, post } = await visit()
  const path = await saveSignInLink(scene.store, scene.now, { who: 'Asha', roles: ['auditor'] })
  const token = path.split('/').at(-1)!
  assert.doesNotMatch(JSON.stringify(await scene.store.get('console/index')), new RegExp(token))
  assert.equal((await post(path, {})).statusCode, 303)
})

test('signing in is written to the log with name and roles', async () => {
  const { signIn, scene } = await visit()
  await signIn({ who: 'Asha', roles: ['responder'] })
  const [entry] = await scene.store.log(0, 10)
  assert.equal(entry?.kind, 'console.signed-in')
  assert.match(entry?.payload ?? '', /Asha signed in.*responder/)
})

test('after signing out the cookie opens nothing', async () => {
  const { signIn, post, get, csrf, cookieOf } = await visit()
  await signIn()
  const cookie = cookieOf()
  await post('/sign-out', { csrf: await csrf() })
  assert.equal((await get('/', { cookie })).statusCode, 401)
})

test('a cookie that was made up or changed opens nothing', async () => {
  const { signIn, get, cookieOf } = await visit()
  await signIn()
  const [name, value] = cookieOf().split('=') as [string, string]
  const [id, seal] = value.split('.') as [string, string]
  for (const wrong of [
    `${id}.${seal.slice(0, -2)}xx`,
    `${id}x.${seal}`,
    id,
    '.',
    `${id}.${seal}.${seal}`,
    'x'.repeat(5_000),
  ]) {
    assert.equal((await get('/', { cookie: `${name}=${wrong}` })).statusCode, 401, wrong.slice(0, 60))
  }
})

test('somebody who follows a link from elsewhere is sent back to the same page with their cookie, once', async () => {
  const { get, signIn } = await visit()
  const answer = await get('/incidents/inc-1?x=1', { 'sec-fetch-site': 'cross-site' })
  assert.equal(answer.statusCode, 200)
  assert.match(answer.body, /<meta http-equiv="refresh" content="0;url=\/incidents\/inc-1\?x=1">/)
  assert.equal((await get('/incidents/inc-1', { 'sec-fetch-site': 'same-origin' })).statusCode, 401)
  assert.match((await get('//evil.example', { 'sec-fetch-site': 'cross-site' })).body, /^(?![\s\S]*url=\/\/)/)
  await signIn()
  assert.equal((await get('/', { 'sec-fetch-site': 'cross-site' })).statusCode, 200)
})

test('a form without its token, or from another site, changes nothing', async () => {
  const { scene, signIn, post, csrf } = await visit()
  const id = await scene.startTrial('r3')
  await signIn()
  const path = `/deployments/${id}/rollback`
  const token = await csrf()
  for (const wrong of ['', 'x', `${token}x`]) assert.equal((await post(path, { csrf: wrong })).statusCode, 403)
  const elsewhere = ['http://evil.example', 'null', 'https://127.0.0.1:8400', 'http://127.0.0.1:8401']
  for (const origin of elsewhere) assert.equal((await post(path, { csrf: token }, { origin })).statusCode, 403, origin)
  await scene.work()
  assert.equal(await scene.phase(id), 'on-trial')
})

test('a host name that is not ours gets no page (DNS rebinding)', async () => {
  const { get } = await visit()
  for (const host of ['evil.example', 'evil.example:8400', '127.0.0.1:8401', '']) {
    const answer = await get('/', { host })
    assert.equal(answer.statusCode, 421, host)
    assert.doesNotMatch(answer.body, /html/)
  }
})

test('every answer carries the security headers, errors too', async () => {
  const { get, signIn } = await visit()
  await signIn()
  for (const path of ['/', '/log', '/nothing', '/sign-in', '/health', '/ack/x', '/log/999999/proof.txt']) {
    const { headers } = await get(path)
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/, path)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'same-origin')
    assert.match(String(headers['cache-control'] ?? 'no-store'), /no-store/, path)
  }
})

test('behind TLS the cookie is only ever sent over TLS', async () => {
  const { sessions, post, app } = await visit({ publicUrl: 'https://holdfast.example.gov.uk' })
  const host = 'holdfast.example.gov.uk'
  const answer = await post(sessions.newLink(), { name: 'Asha' }, { host, origin: `https://${host}` })
  assert.match(String(answer.headers['set-cookie']), /^__Host-holdfast=.*Secure/)
  assert.match(String(answer.headers['strict-transport-security']), /max-age/)
  await app.close()
})

test('only the roles that may ask are heard, and the button is not shown to others', async () => {
  const { scene, signIn, get, post, csrf } = await visit()
  const id = await scene.startTrial('r3')
  await signIn({ who: 'Olu', roles: ['auditor'] })
  const page = (await get(`/deployments/${id}`)).body
  assert.doesNotMatch(page, /Take it back/)
  assert.match(page, /You may look but not act/)
  assert.equal((await post(`/deployments/${id}/rollback`, { csrf: await csrf() })).statusCode, 403)
  await scene.work()
  assert.equal(await scene.phase(id), 'on-trial')
})

test('"Take it back" reaches the machine with name and reason, and sent twice it is one request', async () => {
  const { scene, signIn, get, post, csrf } = await visit()
  const id = await scene.startTrial('r3')
  await signIn()
  const turn = /name="turn" value="(\d+)"/.exec((await get(`/deployments/${id}`)).body)![1]!
  const fields = { csrf: await csrf(), reason: 'submissions fail', turn }
  const answers = [await post(`/deployments/${id}/rollback`, fields), await post(`/deployments/${id}/rollback`, fields)]
  for (const answer of answers) assert.equal(answer.headers.location, `/deployments/${id}?asked=rollback`)
  await scene.work()
  assert.equal(await scene.phase(id), 'rolled-back')
  const { entries } = await asked(scene.store, id)
  assert.deepEqual(entries, ['Asha took release r3 back: submissions fail'])
  assert.match((await get(`/deployments/${id}?asked=rollback`)).body, /You asked to take this release back/)
  const late = await post(`/deployments/${id}/rollback`, { ...fields, turn: '99' })
  assert.match(String(late.headers.location), /asked=over/)
})

async function asked(store: Store, subject: string) {
  const rows = await store.log(0, 500, { subject })
  const words = rows.map((row) => JSON.parse(row.payload!) as { who: string; why: string })
  return {
    entries: words
      .filter(({ who }) => who === 'Asha')
      .map(({ why }) => why)
      .filter((why) => !/asked for/.test(why)),
  }
}

test('going on needs a reason; the form comes back with what was wrong', async () => {
  const { scene, signIn, post, csrf } = await visit()
  const id = await scene.startTrial('r3')
  await signIn()
  const answer = await post(`/deployments/${id}/promote`, { csrf: await csrf(), reason: ' ' })
  assert.equal(answer.statusCode, 422)
  assert.match(answer.body, /<title>Error: /)
  assert.match(answer.body, /href="#promote-reason"/)
  assert.match(answer.body, /id="promote-reason-error"/)
  await scene.work()
  assert.equal(await scene.phase(id), 'on-trial')
})

test('the link of a page is answered by a button, once, without signing in', async () => {
  const { scene, get, post } = await visit()
  await scene.openIncident('inc-1', true)
  const expiresAt = scene.now + HOUR
  const token = signAck(scene.ackSecret, { incident: 'inc-1', page: 'inc-1.page.1', role: 'on-call', expiresAt })
  for (let i = 0; i < 3; i++) assert.match((await get(`/ack/${token}`)).body, /I have it/)
  await scene.work()
  const pagingOf = async () =>
    ((await scene.store.read('inc-1'))!.state as { paging: { phase: string; by?: string } }).paging
  assert.equal((await pagingOf()).phase, 'climbing')
  assert.match((await post(`/ack/${token}`, {})).body, /Nobody else is paged/)
  await scene.work()
  assert.deepEqual([(await pagingOf()).phase, (await pagingOf()).by], ['held', 'on-call'])
  assert.match((await get(`/ack/${token}`)).body, /has been used/)
  for (const wrong of [`${token}x`, 'x', 'a.b', 'x'.repeat(1_900)])
    assert.equal((await get(`/ack/${wrong}`)).statusCode, 410)
  scene.now = expiresAt + 1
  assert.equal((await get(`/ack/${token}`)).statusCode, 410)
})

test('words are approved in the version that was read', async () => {
  const { scene, signIn, get, post, csrf } = await visit()
  await scene.openIncident('inc-1', true)
  await signIn()
  const page = (await get('/incidents/inc-1')).body
  assert.match(page, /name="draft" value="citizens-investigating"><input type="hidden" name="version" value="1"/)
  await scene.ask('inc-1', 'comms-draft-edited', 'Ben', { draft: 'citizens-investigating', text: 'other words' })
  await post('/incidents/inc-1/comms-approve', { csrf: await csrf(), draft: 'citizens-investigating', version: '1' })
  await scene.work()
  const state = (await scene.store.read('inc-1'))!.state as { comms: { drafts: { id: string; status: string }[] } }
  assert.equal(state.comms.drafts.find(({ id }) => id === 'citizens-investigating')?.status, 'draft')
})

test('somebody who tries sign-in links is slowed down', async () => {
  const { get, sessions, scene } = await visit()
  const link = sessions.newLink()
  const codes = []
  for (let i = 0; i < 12; i++) codes.push((await get(`/sign-in/guess-${i}`)).statusCode)
  assert.deepEqual(codes.slice(0, 10), new Array(10).fill(410))
  assert.deepEqual(codes.slice(10), [429, 429])
  assert.equal((await get(link)).statusCode, 429)
  scene.now += MINUTE
  assert.equal((await get(link)).statusCode, 200)
})

test('who is slowed down is told by the socket, or by the one proxy before us', async () => {
  const tryAs = async (how: Partial<ConsoleOptions>, headers: Record<string, string>) => {
    const { get } = await visit(how)
    const codes = []
    for (let i = 0; i < 12; i++)
      codes.push((await get('/sign-in/guess', { ...headers, 'x-forwarded-for': `10.9.9.9, 10.0.0.${i}` })).statusCode)
    return codes.at(-1)
  }
  assert.equal(await tryAs({}, {}), 429, 'without a proxy the header is made up by the caller')
  const proxied = { publicUrl: 'https://holdfast.example.gov.uk' }
  assert.equal(await tryAs(proxied, { host: 'holdfast.example.gov.uk' }), 410)
})

test('before the database is there, and while it is gone, pages say so and nothing is signed in', async () => {
  let store: Store | undefined
  const { get, post, sessions, scene } = await visit({ store: () => store })
  const link = sessions.newLink({ who: 'Asha' })
  const starting = await get('/')
  assert.equal(starting.statusCode, 503)
  assert.match(starting.body, /Holdfast is starting/)
  assert.equal(starting.headers['retry-after'], '2')
  assert.deepEqual((await get('/health')).json(), { status: 'starting', version: '0.1.0' })
  assert.equal((await post(link, {})).statusCode, 503)
  store = scene.store
  assert.equal((await post(link, {})).statusCode, 303)
  assert.equal((await get('/')).statusCode, 200)
  const gone = () => Promise.reject(new OpsError('STORE_GONE', { message: 'gone', fix: 'start it', exit: 3 }))
  store = { ...scene.store, get: gone, read: gone, list: gone } as Store
  const answer = await get('/')
  assert.equal(answer.statusCode, 503)
  assert.match(answer.body, /Citizens are still served/)
})

test('a fault of ours shows a reference, never a stack, and the log has both', async () => {
  const scene = new Scene()
  const broken: Store = { ...scene.store, head: () => Promise.reject(new Error('secret detail')) }
  const { get, signIn, scene: other } = await visit({ store: broken, clock: scene.clock })
  await signIn()
  const answer = await get('/log')
  assert.equal(answer.statusCode, 500)
  assert.doesNotMatch(answer.body, /secret detail|at .*\.ts/)
  const reference = /Reference: ([0-9a-f]{8})/.exec(answer.body)?.[1]
  assert.ok(reference && other.lines.some((line) => line.includes(reference) && line.includes('secret detail')))
})

test('bodies are bounded, and odd requests get a page', async () => {
  const { get, post, send, signIn, csrf } = await visit()
  await signIn()
  assert.equal((await post('/deployments/x/rollback', { csrf: 'x'.repeat(20_000) })).statusCode, 413)
  for (const type of ['application/json', 'text/xml', 'text/plain']) {
    assert.equal((await send('POST', '/sign-out', '{}', { 'content-type': type })).statusCode, 415, type)
  }
  assert.equal((await post('/sign-out', { csrf: 'x' })).headers.location, '/')
  assert.equal((await get('/deployments/%ff')).statusCode, 400)
  for (const path of [
    '/deployments/none',
    '/incidents/none',
    '/log/999',
    '/log/x',
    '/assets/x/y.css',
    '/../etc/passwd',
  ]) {
    assert.equal((await get(path)).statusCode, 404, path)
  }
  assert.equal((await post('/deployments/none/rollback', { csrf: await csrf() })).statusCode, 404)
  assert.equal((await post('/deployments/none/explode', { csrf: await csrf() })).statusCode, 404)
})

test('what a service or a person wrote is shown as text', async () => {
  const { scene, signIn, get } = await visit()
  const id = await scene.startTrial('<img src=x>', {
    id: 'dep-x',
    serviceName: '<b>Service</b>',
    reason: '"><script>alert(1)</script>',
  })
  await signIn({ who: '<i>Asha</i>' })
  for (const path of ['/', `/deployments/${id}`, '/deployments', '/log', '/log/0', '/log?subject=<script>']) {
    const { body } = await get(path)
    assert.doesNotMatch(body, /<img src=x|<b>Service|<script>alert|<i>Asha|<script>"/, path)
  }
})

test('each log entry comes with a proof that leads to the root', async () => {
  const { scene, signIn, get } = await visit()
  await scene.startTrial('r3')
  await signIn()
  const head = await scene.store.head()
  for (let index = 0; index < head.size; index++) {
    const text = (await get(`/log/${index}/proof.txt`)).body
    const leaf = /^Leaf hash[^\n]*\n([0-9a-f]{64})$/m.exec(text)![1]!
    const path = [...text.matchAll(/^(left |right) ([0-9a-f]{64})$/gm)]
    const { nodeHash } = await import('../core/prove/merkle.ts')
    const root = path.reduce(
      (hash, [, side, other]) => (side === 'right' ? nodeHash(hash, other!) : nodeHash(other!, hash)),
      leaf,
    )
    assert.equal(root, head.root, `entry ${index}`)
    assert.ok(text.includes(head.root))
  }
})

test('the log is paged, newest first, and filtered, oldest first', async () => {
  const { scene, signIn, get } = await visit()
  await scene.store.record(
    'heating-payment',
    Array.from({ length: 120 }, (_, i) => ({
      kind: 'k',
      subject: i % 2 ? 'odd' : 'even',
      who: 'Ben',
      why: `Decision ${i}.`,
      data: {},
    })),
  )
  await signIn()
  const shown = async (path: string) =>
    [...(await get(path)).body.matchAll(/Decision (\d+)\./g)].map((match) => Number(match[1]))
  const first = await shown('/log')
  assert.equal(first[0], 119)
  assert.equal(first.length, 49)
  assert.deepEqual((await shown('/log?before=71')).slice(0, 2), [70, 69])
  assert.match((await get('/log?before=71')).body, /Newer entries[\s\S]*Older entries/)
  const odd = await shown('/log?subject=odd')
  assert.deepEqual(odd.slice(0, 3), [1, 3, 5])
  assert.equal(odd.length, 50)
  assert.deepEqual(await shown('/log?subject=odd&from=101'), [101, 103, 105, 107, 109, 111, 113, 115, 117, 119])
  assert.match((await get('/log?subject=nobody')).body, /Nothing in the log is about/)
})

test('streams are for people who are signed in', async () => {
  const { get } = await visit()
  assert.equal((await get('/live')).statusCode, 403)
})

test('a short secret is refused', async () => {
  await assert.rejects(visit({ secret: 'short' }), { code: 'CONSOLE_SECRET' })
})

test('every phase of a deployment has a page', async () => {
  const { scene, signIn, get } = await visit()
  const id = await scene.startTrial('r3')
  await signIn()
  const row = (await scene.store.read(id))!
  const state = row.state as unknown as DeploymentState
  const deadline = scene.now + MINUTE
  const because = 'evidence 4,010 : 1'
  const phases: DeploymentState['phase'][] = [
    ...(['expanding', 'starting', 'attaching', 'verifying'] as const).map((name) => ({ name, deadline })),
    { name: 'on-trial', deadSince: null },
    { name: 'halted', who: 'Asha', why: 'lunch', confirmBy: null, paged: false },
    ...(['moving', 'draining', 'detaching', 'stopping'] as const).flatMap((stage) => [
      { name: 'finishing' as const, stage, deadline, deadSince: null },
      {
        name: 'rolling-back' as const,
        stage,
        because,
        deadline,
        confirmBy: stage === 'moving' ? deadline : null,
        paged: false,
      },
    ]),
    { name: 'rolling-back', stage: 'moving', because, deadline, confirmBy: deadline, paged: true },
    ...(['promoted', 'rolled-back', 'refused'] as const).map((name) => ({ name, why: 'because' })),
  ]
  for (const phase of phases) {
    const wearing = { ...row, state: { ...state, phase } as never }
    scene.store.read = async (machine) => (machine === id ? wearing : null)
    const answer = await get(`/deployments/${id}`)
    assert.equal(answer.statusCode, 200, phase.name)
    assert.match(answer.body, /hf-first__citizens/)
  }
})
