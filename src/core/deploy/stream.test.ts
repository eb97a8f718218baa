import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesOf, readLine } from './stream.ts'

const good = {
  t: 1_000,
  session: 's1',
  arm: 'canary',
  journey: 'apply',
  step: 'submit',
  ok: true,
  ms: 12,
  kind: 'citizen',
  segment: 'a',
}
const kindOf = (value: unknown, last = 0) => readLine(JSON.stringify(value), last).kind

test('a full line is read; what may be left out has a harmless default', () => {
  assert.deepEqual(readLine(JSON.stringify(good), 0), { kind: 'request', request: good })
  const { ms: _ms, kind: _kind, segment: _segment, ...short } = good
  assert.deepEqual(readLine(JSON.stringify(short), 0), {
    kind: 'request',
    request: { ...good, ms: 0, kind: 'citizen', segment: '' },
  })
  assert.deepEqual(readLine('{"sync":4,"t":9}', 0), { kind: 'sync', sync: 4, t: 9 })
  assert.equal(readLine('  ', 0).kind, 'empty')
})

test('broken, absurd and hostile lines are found, never believed', () => {
  const wrong: unknown[] = [
    null,
    [],
    7,
    {},
    { ...good, t: '1000' },
    { ...good, t: -1 },
    { ...good, t: 1e300 },
    { ...good, session: '' },
    { ...good, session: 'x'.repeat(201) },
    { ...good, arm: 'blue' },
    { ...good, journey: { toString: 1 } },
    { ...good, ok: 'true' },
    { ...good, ms: -5 },
    { ...good, kind: 'crawler' },
    { sync: {}, t: 5 },
  ]
  for (const value of wrong) assert.equal(kindOf(value), 'bad', JSON.stringify(value))
  assert.equal(readLine('{"t":1', 0).kind, 'bad')
  assert.equal(readLine(`{"t":1,"x":"${'a'.repeat(70_000)}"}`, 0).kind, 'bad')
  assert.equal(kindOf({ ...good, t: 1_000 + 40 * 86_400_000 }, 1_000), 'bad', 'a leap in time would freeze our clock')
})

test('a line that is older than one before it is read, with a remark', () => {
  const line = readLine(JSON.stringify(good), 5_000)
  assert.ok(line.kind === 'request' && line.remark?.includes('4000 ms older'))
})

async function all(chunks: (string | Uint8Array)[]): Promise<string[]> {
  const lines: string[] = []
  for await (const some of linesOf(
    (async function* () {
      yield* chunks
    })(),
  ))
    lines.push(...some)
  return lines
}

test('lines are whole however the chunks fall, also in the middle of a letter', async () => {
  const bytes = new TextEncoder().encode('é\nzwei\n')
  assert.deepEqual(await all([bytes.slice(0, 1), bytes.slice(1, 5), bytes.slice(5)]), ['é', 'zwei'])
  assert.deepEqual(await all(['a', 'b\n\nc']), ['ab', '', 'c'])
})

test('an endless line does not grow in memory and does not swallow its neighbours', async () => {
  const lines = await all(['one\n', ...Array.from({ length: 50 }, () => 'x'.repeat(50_000)), '\ntwo\n'])
  assert.deepEqual([lines[0], lines[2]], ['one', 'two'])
  assert.ok(lines[1]!.length <= 64 * 1024 + 1)
  assert.equal(readLine(lines[1]!, 0).kind, 'bad')
})
