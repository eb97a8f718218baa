import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { memoryNotifier } from '../../src/adapters/memory/notifier.ts'
import { messageIdOf, smtpNotifier } from '../../src/adapters/smtp/notifier.ts'
import { webhookNotifier } from '../../src/adapters/webhook/notifier.ts'
import { signWebhook, verifyWebhook } from '../../src/adapters/webhook/signature.ts'
import { isUnreachable } from '../../src/ports/unreachable.ts'
import { notifierContract } from '../../src/testing/contracts/notifier.ts'
import { openReceiver, type Receiver } from '../../src/testing/receiver.ts'
import { CERTIFICATE, KEY } from './tls-for-tests.ts'

const SECRET = 'a secret of the test'
const message = { id: 'p1', to: 'pager', subject: 'subject', text: 'text' }

notifierContract('memory', async () => {
  const notifier = memoryNotifier()
  const gone = memoryNotifier()
  gone.mood('gone')
  return {
    notifier,
    to: 'pager',
    arrived: () => notifier.arrived,
    mood: (mood) => notifier.mood(mood),
    gone: () => gone,
    close: async () => {},
  }
})

notifierContract('smtp', async () => {
  const receiver = await openReceiver(SECRET)
  const dead = await closedPort()
  const settings = { host: '127.0.0.1', security: 'none', from: 'holdfast@example.org' } as const
  return {
    notifier: smtpNotifier({ ...settings, port: receiver.smtpPort }),
    to: 'on-call@example.org',
    arrived: () => receiver.arrived,
    mood: (mood) => receiver.mood(mood),
    gone: () => smtpNotifier({ ...settings, port: dead }),
    close: () => receiver.close(),
  }
})

notifierContract('webhook', async () => {
  const receiver = await openReceiver(SECRET)
  const dead = await closedPort()
  const to = (url: string) => webhookNotifier({ targets: { pager: { url, secret: SECRET } } })
  return {
    notifier: to(receiver.webhookUrl('pager')),
    to: 'pager',
    arrived: () => receiver.arrived,
    mood: (mood) => receiver.mood(mood),
    gone: () => to(`http://127.0.0.1:${dead}/hook/pager`),
    close: () => receiver.close(),
  }
})

let receiver: Receiver
before(async () => {
  receiver = await openReceiver(SECRET)
})
after(() => receiver.close())

test('a receiver that takes a message and never answers leaves it unknown, in time', async () => {
  receiver.mood('silent')
  const hook = webhookNotifier({
    targets: { pager: { url: receiver.webhookUrl('pager'), secret: SECRET } },
    timeoutMs: 300,
  })
  const byHook = await hook.send(message)
  const mail = smtpNotifier({
    host: '127.0.0.1',
    port: receiver.smtpPort,
    security: 'none',
    from: 'a@example.org',
    timeoutMs: 300,
  })
  const byMail = await mail.send({ ...message, to: 'b@example.org' })
  receiver.mood('works')
  assert.deepEqual([sentOf(byHook), sentOf(byMail)], ['unknown', 'unknown'])
})

test('a webhook with another secret is refused, and a redirect is not followed', async () => {
  const url = receiver.webhookUrl('pager')
  const before = receiver.arrived.length
  const forged = await webhookNotifier({ targets: { pager: { url, secret: 'another secret here' } } }).send(message)
  receiver.mood('redirects')
  const redirected = await webhookNotifier({ targets: { pager: { url, secret: SECRET } } }).send(message)
  receiver.mood('works')
  assert.deepEqual([sentOf(forged), sentOf(redirected)], ['failed', 'failed'])
  assert.equal(receiver.arrived.length, before)
})

test('a webhook goes over https, or nowhere but this machine', async () => {
  for (const url of ['http://pager.example.org/', 'file:///etc/passwd', 'nonsense', 'http://127.0.0.1.example.org/']) {
    assert.equal(
      sentOf(await webhookNotifier({ targets: { pager: { url, secret: SECRET } } }).send(message)),
      'failed',
      url,
    )
  }
  const weak = webhookNotifier({ targets: { pager: { url: 'https://127.0.0.1/', secret: 'short' } } })
  assert.match(JSON.stringify(await weak.send(message)), /no secret to sign with/)
  assert.equal(sentOf(await webhookNotifier({ targets: {} }).send({ ...message, to: '__proto__' })), 'failed')
})

test('a signature holds for its body, its moment and its secret only', () => {
  const signature = signWebhook(SECRET, 1_000, '{"a":1}')
  const check = (body: string, timestamp: string, secret: string, now: number) =>
    verifyWebhook(secret, { signature, timestamp, body }, now)
  assert.equal(check('{"a":1}', '1000', SECRET, 1_300), 'genuine')
  assert.equal(check('{"a":1}', '1000', SECRET, 1_301), 'stale')
  assert.equal(check('{"a": 1}', '1000', SECRET, 1_000), 'forged')
  assert.equal(check('{"a":1}', '1001', SECRET, 1_001), 'forged')
  assert.equal(check('{"a":1}', '1000', 'another', 1_000), 'forged')
})

test('mail refuses what is not one address, and will not speak unencrypted where it was told to encrypt', async () => {
  const settings = { host: '127.0.0.1', port: receiver.smtpPort, from: 'a@example.org' } as const
  for (const to of ['a@b.c, d@e.f', 'a@b.c\r\nRCPT TO:<x@y.z>', 'nobody', '<a@b.c>', '']) {
    assert.equal(sentOf(await smtpNotifier({ ...settings, security: 'none' }).send({ ...message, to })), 'failed', to)
  }
  const before = receiver.arrived.length
  const sent = await smtpNotifier({ ...settings, security: 'starttls' }).send({ ...message, to: 'b@example.org' })
  assert.notEqual(sentOf(sent), 'accepted')
  assert.equal(receiver.arrived.length, before)
})

test('mail is encrypted by STARTTLS or TLS, to a server whose certificate is trusted, and to no other', async () => {
  for (const security of ['starttls', 'tls'] as const) {
    const seen: { secure: boolean; user: string | undefined }[] = []
    const server = new SMTPServer({
      secure: security === 'tls',
      key: KEY,
      cert: CERTIFICATE,
      disableReverseLookup: true,
      authMethods: ['PLAIN'],
      onAuth: ({ username, password }, _session, done) =>
        password === 'right' ? done(null, { user: username }) : done(new Error('wrong password')),
      onData(stream, session, done) {
        seen.push({ secure: session.secure, user: String(session.user) })
        stream.on('end', () => done()).resume()
      },
    })
    server.on('error', () => {})
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
    const { port } = server.server.address() as { port: number }
    const settings = {
      host: 'localhost',
      port,
      security,
      from: 'a@example.org',
      auth: { user: 'holdfast', pass: 'right' },
    }
    const mail = { ...message, to: 'b@example.org' }
    try {
      assert.equal(sentOf(await smtpNotifier({ ...settings, ca: CERTIFICATE }).send(mail)), 'accepted', security)
      assert.deepEqual(seen, [{ secure: true, user: 'holdfast' }])
      assert.notEqual(
        sentOf(await smtpNotifier(settings).send(mail)),
        'accepted',
        'nobody vouches for this certificate',
      )
      const badPassword = { ...settings, ca: CERTIFICATE, auth: { user: 'holdfast', pass: 'swordfish-7' } }
      const refused = await smtpNotifier(badPassword).send(mail)
      assert.equal(sentOf(refused), 'failed')
      assert.doesNotMatch(JSON.stringify(refused), /swordfish/)
      assert.equal(seen.length, 1)
    } finally {
      await new Promise<void>((resolve) => server.close(resolve))
    }
  }
})

test('a page keeps one Message-ID, whatever its id looks like', () => {
  assert.equal(messageIdOf('inc-1/page 1>', 'x@example.org'), '<inc-1-page-1-@example.org>')
})

function sentOf(answer: unknown): string {
  return isUnreachable(answer) ? 'unreachable' : (answer as { sent: string }).sent
}

/** A port that was free a moment ago and that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
