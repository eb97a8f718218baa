import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scene } from '../../test/journeys/scene.ts'
import { STREAMS_PER_SESSION_MAX } from './live.ts'
import { startConsole } from './server.ts'

/** A console on a real socket, and somebody signed in to it. */
async function signedIn() {
  const scene = new Scene()
  const desk = await startConsole(scene.options())
  const headers = { origin: desk.url, 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await fetch(desk.signInLink({ who: 'Asha' }), {
    method: 'POST',
    headers,
    body: 'x=',
    redirect: 'manual',
  })
  const cookie = answer.headers.get('set-cookie')!.split(';')[0]!
  const open = (path: string) => fetch(`${desk.url}${path}`, { headers: { cookie } })
  const close = async () => {
    await desk.close()
    await scene.store.close()
  }
  return { scene, desk, cookie, headers, open, close }
}

/** The events of a stream, one after the other. */
async function* eventsOf(
  answer: Response,
): AsyncGenerator<{ event: string; data: { title?: string; regions?: { id: string; html: string }[] } }> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const part of answer.body!) {
    text += decoder.decode(part as Uint8Array, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
      text = text.slice(end + 2)
      if (event) yield { event, data: JSON.parse(data!) }
    }
  }
}

test('a stream sends the whole page first, and then only what changed', async () => {
  const { scene, open, close } = await signedIn()
  const id = await scene.startTrial('r3')
  const answer = await open(`/live/deployments/${id}`)
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  const events = eventsOf(answer)
  const first = (await events.next()).value!
  assert.deepEqual(
    first.data.regions!.map(({ id: region }: { id: string }) => region),
    ['glass', 'first', 'approve', 'ask', 'gates', 'figures', 'evidence', 'steps', 'history', 'facts'],
  )
  await scene.meet(id, { newOk: 2, newFailed: 1, oldOk: 198 })
  for (;;) {
    const { data } = (await events.next()).value!
    const figures = data.regions?.find(({ id: region }: { id: string }) => region === 'figures')
    assert.ok(!data.regions?.some(({ id: region }: { id: string }) => region === 'facts' && figures === undefined))
    if (figures) {
      assert.match(figures.html, /of 3 who used it/)
      break
    }
  }
  await events.return(undefined)
  await close()
})

test('signing out ends the pages that are open', async () => {
  const { desk, open, close, cookie, headers } = await signedIn()
  const events = eventsOf(await open('/live'))
  await events.next()
  const page = await (await open('/')).text()
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)![1]!
  await fetch(`${desk.url}/sign-out`, {
    method: 'POST',
    headers: { ...headers, cookie },
    body: `csrf=${csrf}`,
    redirect: 'manual',
  })
  let last = ''
  for await (const { event } of events) last = event
  assert.equal(last, 'ended')
  await close()
})

test('one session holds a bounded number of streams, and a closed one makes room', async () => {
  const { open, close } = await signedIn()
  const answers = []
  for (let i = 0; i < STREAMS_PER_SESSION_MAX; i++) answers.push(await open('/live'))
  const refused = await open('/live')
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.get('retry-after'), '15')
  await answers[0]!.body!.cancel()
  let again = await open('/live')
  while (again.status === 503) again = await open('/live')
  assert.equal(again.status, 200)
  await close()
  await Promise.allSettled([...answers, again].map((answer) => answer.body!.cancel()))
})

test('the address and the links go into the store when it is there', async () => {
  const { scene, desk, close } = await signedIn()
  assert.equal(await scene.store.get('console/url'), desk.url)
  await close()
})
