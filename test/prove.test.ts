import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { memoryStore } from '../src/adapters/memory/store.ts'
import { signNote, verifierKeyOf } from '../src/core/prove/note.ts'
import type { Store } from '../src/ports/store.ts'
import { logKey, pinnedKey } from '../src/prove/key.ts'
import { writePack } from '../src/prove/pack.ts'
import { verifyPack } from '../src/prove/verify.ts'
import { DEPLOYMENT, takenBackLog } from '../src/testing/deployment-log.ts'
import { removeFolder } from './folder.ts'

let root: string
let pack: string
let state: string
let pinned: string
let store: Store
let now = Date.UTC(2026, 10, 23, 3)

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-prove-'))
  state = join(root, 'state')
  pack = join(root, 'pack')
  store = memoryStore({ now: () => now })
  await store.record('heating-payment', [entryOf('sign-in', 'somebody')])
  for (const entry of takenBackLog(now)) {
    now += 100
    await store.record('heating-payment', [entry])
    await store.record('another-service', [entryOf('deployment.requested', 'dep-x')])
  }
  await writePack(store, DEPLOYMENT, pack, await logKey(state))
  pinned = (await pinnedKey(state))!
})
after(() => removeFolder(root))

function entryOf(kind: string, subject: string) {
  return { kind, subject, who: 'mallory <mallory@example.org>', why: 'another story', data: {} }
}

test('an untouched pack is intact, under the key that was pinned outside of it', async () => {
  const verified = await verifyPack(pack, pinned)
  assert.deepEqual(verified.problems, [])
  assert.equal(verified.intact, true)
  assert.equal(verified.key, 'pinned')
  assert.equal(verified.deployment, DEPLOYMENT)
  assert.equal(verified.entries, 1 + 2 * takenBackLog(now).length)
  assert.ok(verified.claims.length >= 12)
  assert.ok(verified.claims.every(({ verdict }) => verdict === 'proven'))
})

test('without a pinned key the pack says that anybody could have signed it', async () => {
  assert.equal((await verifyPack(pack, null)).key, 'pack')
})

test('the private key is for its owner only, and is made once', async () => {
  assert.equal((await stat(join(state, 'keys', 'log.key'))).mode & 0o777, 0o600)
  const fresh = join(root, 'fresh')
  const keys = await Promise.all(Array.from({ length: 8 }, () => logKey(fresh)))
  assert.equal(new Set(keys.map(({ seed }) => Buffer.from(seed).toString('hex'))).size, 1)
})

test('words of other stories stay at home', async () => {
  for (const file of ['entries.ndjson', 'index.html', 'claims.json']) {
    assert.doesNotMatch(await readFile(join(pack, file), 'utf8'), /mallory/, file)
  }
})

test('a changed byte is found wherever it is, and an entry is named', async () => {
  const names = ['entries.ndjson', 'checkpoint', 'claims.json', 'index.html', 'VERIFY.md', 'log.pub', 'manifest']
  let seed = 1
  for (const name of names) {
    const path = join(pack, name)
    const good = readFileSync(path)
    for (let n = 0; n < 60; n++) {
      // A fixed sequence of places, so that a failure can be seen again.
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      const at = seed % good.length
      const bad = Buffer.from(good)
      bad[at] = bad[at]! ^ (1 << (n % 7))
      await writeFile(path, bad)
      const { intact, problems } = await verifyPack(pack, pinned)
      assert.equal(intact, false, `byte ${at} of ${name}`)
      assert.ok(
        problems.some(({ file }) => file === name),
        `byte ${at} of ${name}: ${JSON.stringify(problems[0])}`,
      )
      if (name === 'entries.ndjson') {
        const line = good.subarray(0, at).toString('latin1').split('\n').length - 1
        const places = problems.map(({ entry }) => entry)
        assert.ok(places.includes(line), `byte ${at} is in entry ${line}, found: ${JSON.stringify(problems[0])}`)
      }
    }
    await writeFile(path, good)
  }
})

test('an entry that was taken out, doubled or moved is found', async () => {
  const path = join(pack, 'entries.ndjson')
  const good = await readFile(path, 'utf8')
  const lines = good.split('\n').slice(0, -1)
  const cases: [string, string[], number][] = [
    ['taken out', lines.toSpliced(4, 1), 4],
    ['doubled', lines.toSpliced(4, 0, lines[4]!), 5],
    ['moved', lines.toSpliced(4, 2, lines[5]!, lines[4]!), 4],
    ['cut off', lines.slice(0, -1), -1],
  ]
  for (const [what, changed, entry] of cases) {
    await writeFile(path, `${changed.join('\n')}\n`)
    const { intact, problems } = await verifyPack(pack, pinned)
    assert.equal(intact, false, what)
    if (entry >= 0) assert.equal(problems.find((problem) => problem.entry !== null)?.entry, entry, what)
    else assert.match(problems.map(({ says }) => says).join(' '), /signed checkpoint says/)
  }
  await writeFile(path, good)
})

test('a whole pack that was made again with another key is refused by the pinned one', async () => {
  const forged = join(root, 'forged')
  const key = await logKey(join(root, 'other-state'))
  // The forger even takes the log's name.
  await writePack(store, DEPLOYMENT, forged, { ...key, name: pinned.split('+')[0]! })
  const verified = await verifyPack(forged, pinned)
  assert.equal(verified.intact, false)
  assert.equal(verified.key, 'none')
  assert.equal((await verifyPack(forged, null)).key, 'pack', 'and without one it is only called what it is')
})

test('claims that leave evidence out are found, even when they are signed', async () => {
  const forged = join(root, 'claims')
  const signer = await logKey(state)
  await writePack(store, DEPLOYMENT, forged, signer)
  const path = join(forged, 'claims.json')
  const claims = JSON.parse(await readFile(path, 'utf8'))
  claims.claims[0].evidence = []
  await writeFile(path, JSON.stringify(claims))
  const manifest = join(forged, 'manifest')
  const { createHash } = await import('node:crypto')
  const text = (await readFile(manifest, 'utf8')).split('\n\n\u2014')[0]!
  const hash = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  await writeFile(
    manifest,
    signNote(`${text.replace(/[0-9a-f]{64} {2}claims\.json/, `${hash}  claims.json`)}\n`, signer),
  )
  const { problems } = await verifyPack(forged, verifierKeyOf(signer))
  assert.ok(problems.length > 0)
  assert.ok(
    problems.every(({ file }) => file === 'claims.json'),
    JSON.stringify(problems),
  )
  assert.match(problems[0]!.says, /leaves out entry/)
})

test('a redacted entry keeps its place and its hash, and the pack says what is gone', async () => {
  const rows = await store.log(0, 100)
  const acked = rows.find(({ kind }) => kind === 'incident.acked')!
  assert.equal(await store.redact(acked.index, 'dpo', 'a name that should not be there'), 'redacted')
  const folder = join(root, 'redacted')
  await writePack(store, DEPLOYMENT, folder, await logKey(state))
  const verified = await verifyPack(folder, pinned)
  assert.deepEqual(verified.problems, [])
  assert.equal(verified.words.deleted, 1)
  assert.equal(verified.claims.find(({ id }) => id === 'undeleted')?.verdict, 'contradicted')
  assert.doesNotMatch(await readFile(join(folder, 'entries.ndjson'), 'utf8'), /carys took/)
})

test('the page loads nothing from anywhere, and shows London time with its offset and UTC', async () => {
  const html = await readFile(join(pack, 'index.html'), 'utf8')
  assert.doesNotMatch(html, /<script|<link|<img|src=|https?:|url\(/i)
  assert.match(html, /default-src 'none'/)
  assert.match(html, /UTC\+00:00/)
  assert.match(html, /2026-11-23T03:00:0\d\.\d{3}Z/)
  assert.match(html, /<html lang="en-GB">/)
})

test('hostile packs are problems, never a crash', async () => {
  const folder = join(root, 'hostile')
  await writePack(store, DEPLOYMENT, folder, await logKey(state))
  const contents: [string, string][] = [
    ['entries.ndjson', '{}\nnull\n[]\n{"index":0,"leafHash":5}\n'],
    ['entries.ndjson', '{"index":1e999}\n'.repeat(300)],
    ['claims.json', '{"claims":[{"id":"x"}]}'],
    ['claims.json', '[]'],
    ['manifest', ''],
    ['checkpoint', '\n\n\u2014 x y\n'],
    ['log.pub', 'x+y+z'],
  ]
  for (const [name, text] of contents) {
    const path = join(folder, name)
    const good = await readFile(path)
    await writeFile(path, text)
    const { intact, problems } = await verifyPack(folder, null)
    assert.equal(intact, false, name)
    assert.ok(problems.length <= 100)
    await writeFile(path, good)
  }
  assert.equal((await verifyPack(join(root, 'nothing-here'), null)).intact, false)
})

test('the verifier shares no code with the writer', async () => {
  const source = await readFile(new URL('../src/prove/verify.ts', import.meta.url), 'utf8')
  const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, name]) => name!)
  assert.deepEqual(
    imports.filter((name) => !name.startsWith('node:')),
    [],
  )
})
