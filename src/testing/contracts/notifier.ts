/** What every notifier promises, as tests. Plug in your own: `notifierContract('mine', open)` in a file run by node:test. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Message, Notifier } from '../../ports/notifier.ts'
import { isUnreachable } from '../../ports/unreachable.ts'

export type NotifierMood = 'works' | 'refuses' | 'busy' | 'loses-answer'

/** A notifier, and the other side in the test's hands. */
export interface NotifierWorld {
  readonly notifier: Notifier
  /** An address that the other side takes. */
  readonly to: string
  /** What the other side has, oldest first. */
  arrived(): readonly Pick<Message, 'id' | 'subject' | 'text'>[]
  mood(mood: NotifierMood): void
  /** The same notifier while nobody listens on the other side. */
  gone(): Notifier
  close(): Promise<void>
}

export function notifierContract(name: string, open: () => Promise<NotifierWorld>): void {
  describe(`notifier contract: ${name}`, () => {
    let world: NotifierWorld
    let n = 0
    let message: Message
    const mine = () => world.arrived().filter(({ id }) => id === message.id)
    before(async () => {
      world = await open()
    })
    after(() => world.close())
    beforeEach(() => {
      world.mood('works')
      message = {
        id: `inc-1.page.${++n}`,
        to: world.to,
        subject: 'P1 Apply for a payment: citizens cannot send their application',
        text: 'Since 03:02.\n\nDo this first.',
        ackUrl: 'https://holdfast.example/ack/abc',
        data: { harmed: 3 },
      }
    })

    test('says accepted once the other side has the message, with its id and words', async () => {
      const sent = await world.notifier.send(message)
      assert.equal(!isUnreachable(sent) && sent.sent, 'accepted')
      const [arrived, ...more] = mine()
      assert.equal(more.length, 0)
      assert.equal(arrived?.subject, message.subject)
      assert.equal(arrived?.text, message.text)
    })

    for (const mood of ['refuses', 'busy'] as const) {
      test(`says failed, and why, when the other side ${mood === 'busy' ? 'is busy' : mood}`, async () => {
        world.mood(mood)
        const sent = await world.notifier.send(message)
        assert.ok(!isUnreachable(sent) && sent.sent === 'failed', JSON.stringify(sent))
        assert.ok(sent.why.length > 5)
        assert.equal(mine().length, 0)
      })
    }

    test('says unknown when the answer was lost, and a repeat carries the same id', async () => {
      world.mood('loses-answer')
      const sent = await world.notifier.send(message)
      assert.equal(!isUnreachable(sent) && sent.sent, 'unknown', JSON.stringify(sent))
      world.mood('works')
      await world.notifier.send(message)
      assert.ok(mine().length >= 1)
      assert.equal(new Set(mine().map(({ id }) => id)).size, 1)
    })

    test('says unreachable when nobody listens', async () => {
      assert.ok(isUnreachable(await world.gone().send(message)))
    })

    test('carries any words unchanged, and no words can become headers', async () => {
      const text = ['£ ü ⚠ “quoted”', '.', '..dots', 'x'.repeat(1_200), 'From here', '=3D', '<b>&amp;'].join('\n')
      message = { ...message, subject: 'Größe £5\r\nBcc: all@example.org', text }
      const sent = await world.notifier.send(message)
      assert.equal(!isUnreachable(sent) && sent.sent, 'accepted')
      assert.equal(mine()[0]?.text, text)
      assert.match(mine()[0]!.subject, /^Größe £5\s+Bcc: all@example\.org$/)
    })
  })
}
