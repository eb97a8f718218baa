import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leafHash } from './merkle.ts'
import { checkpointText, keyIdOf, openNote, parseCheckpoint, publicKeyOf, signNote, verifierKeyOf } from './note.ts'
import { consistencyProof, inclusionProof, treeRoot, verifyConsistency, verifyInclusion } from './proof.ts'

const leaves = Array.from({ length: 40 }, (_, i) => leafHash(Buffer.from(`entry ${i}`)))
const upTo = (n: number) => leaves.slice(0, n)
const wrong = leafHash(Buffer.from('another'))

test('every entry of every tree is proven to be in it, and nowhere else', () => {
  for (let n = 1; n <= leaves.length; n++) {
    const root = treeRoot(upTo(n))
    for (let i = 0; i < n; i++) {
      const proof = inclusionProof(upTo(n), i)
      assert.ok(verifyInclusion(leaves[i]!, i, n, proof, root), `${i} of ${n}`)
      assert.equal(verifyInclusion(wrong, i, n, proof, root), false)
      assert.equal(n > 1 && verifyInclusion(leaves[i]!, (i + 1) % n, n, proof, root), false)
      assert.equal(verifyInclusion(leaves[i]!, i, n, [...proof, wrong], root), false, 'too long')
      if (proof.length > 0) assert.equal(verifyInclusion(leaves[i]!, i, n, proof.slice(1), root), false, 'too short')
    }
  }
  // Not always ceil(log2 n): entry 6 of 7 stands alone on its level.
  assert.equal(inclusionProof(upTo(7), 6).length, 2)
  assert.equal(verifyInclusion(leaves[0]!, 1, 1, [], leaves[0]!), false)
})

test('every longer log is proven to begin with every shorter one, and no other does', () => {
  for (let to = 1; to <= leaves.length; to++) {
    for (let from = 1; from <= to; from++) {
      const proof = consistencyProof(upTo(to), from)
      const [old, now] = [treeRoot(upTo(from)), treeRoot(upTo(to))]
      assert.ok(verifyConsistency(from, to, old, now, proof), `${from} of ${to}`)
      assert.equal(verifyConsistency(from, to, wrong, now, proof), false)
      assert.equal(verifyConsistency(from, to, old, wrong, proof), false)
      assert.equal(verifyConsistency(from, to, old, now, [...proof, wrong]), false, 'too long')
      if (proof.length > 0) assert.equal(verifyConsistency(from, to, old, now, proof.slice(0, -1)), false, 'too short')
    }
  }
})

// RFC 8032, section 7.1, test 1.
const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
const signer = { name: 'holdfast.example/log', seed }

test('key ids match the known answers', () => {
  const key = publicKeyOf(seed)
  assert.equal(key.toString('hex'), 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
  assert.equal(keyIdOf(signer.name, key), '9fc2d362')
  assert.equal(keyIdOf(signer.name, key, 0x04), '15e6022b')
})

test('a checkpoint is opened by its key, and by no other', () => {
  const text = checkpointText({ origin: signer.name, size: 40, root: treeRoot(leaves) })
  const note = signNote(text, signer)
  assert.deepEqual(openNote(note, verifierKeyOf(signer)), { text })
  assert.deepEqual(parseCheckpoint(text), { origin: signer.name, size: 40, root: treeRoot(leaves) })
  const other = { name: 'other.example/log', seed: Buffer.alloc(32, 1) }
  assert.match(JSON.stringify(openNote(note, verifierKeyOf(other))), /not signed by other/)
  // A second signature by somebody unknown does no harm.
  const twice = note + signNote(text, other).slice(text.length + 1)
  assert.deepEqual(openNote(twice, verifierKeyOf(signer)), { text })
  assert.deepEqual(openNote(twice, verifierKeyOf(other)), { text })
})

test('no byte of a note can be changed', () => {
  const note = Buffer.from(signNote(checkpointText({ origin: signer.name, size: 40, root: treeRoot(leaves) }), signer))
  for (let i = 0; i < note.length; i++) {
    const changed = Buffer.from(note)
    changed[i] = changed[i]! ^ 1
    const opened = openNote(changed.toString('utf8'), verifierKeyOf(signer))
    assert.ok('refused' in opened, `byte ${i}`)
  }
})

test('what is not a checkpoint is not taken for one', () => {
  for (const text of [
    '',
    'a\n',
    'a\n01\nAA==\n',
    'a\n1\nAA==\n',
    `a\n-1\n${'A'.repeat(43)}=\n`,
    `a\n1\n${'A'.repeat(43)}=\nmore\n`,
  ]) {
    assert.equal(parseCheckpoint(text), null, JSON.stringify(text))
  }
})
