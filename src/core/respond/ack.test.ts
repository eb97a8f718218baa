import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signAck, verifyAck } from './ack.ts'

const secret = Buffer.alloc(32, 7)
const ack = { incident: 'inc-1', page: 'inc-1.page.1', role: 'on-call', expiresAt: 1_000 }

test('a link is accepted as signed, until it ends', () => {
  const token = signAck(secret, ack)
  assert.deepEqual(verifyAck(secret, token, 1_000), ack)
  assert.match(JSON.stringify(verifyAck(secret, token, 1_001)), /too old/)
})

test('a link that was changed anywhere, cut, or made with another secret is refused', () => {
  const token = signAck(secret, ack)
  for (let i = 0; i < token.length; i++) {
    const changed = token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1)
    const answer = verifyAck(secret, changed, 0)
    // The last character of base64url may hold unused bits: then nothing was changed.
    if (i === token.length - 1 && !('refused' in answer)) assert.deepEqual(answer, ack)
    else assert.ok('refused' in answer, `character ${i}`)
  }
  for (const broken of ['', '.', 'x.y.z', token.slice(0, -3), 'é'.repeat(3_000), `${token}.`]) {
    assert.ok('refused' in verifyAck(secret, broken, 0), broken.slice(0, 20))
  }
  assert.ok('refused' in verifyAck(Buffer.alloc(32, 8), token, 0))
})
