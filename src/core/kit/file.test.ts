import assert from 'node:assert/strict'
import test from 'node:test'
import { digestOf, type KitFile, merge, render, single } from './file.ts'
import { manifestOf } from './kit.ts'

const page = (text: string): KitFile => ({
  part: 'docs',
  path: 'ops/docs/page.md',
  passages: [
    { id: 'one', from: [], text },
    { id: 'two', from: [], text: 'second' },
  ],
})

const noted = (file: KitFile) =>
  manifestOf({ service: { id: 'x' } } as never, 'service.yaml', [file], () => ({ line: 1, col: 1 })).files[0]!

test('what people write outside of the marks survives, and what is inside follows the definition', () => {
  const before = render(page('what stood before'))
  const edited = `# Ours\n\n${before.replace('<!-- holdfast:begin two -->', 'between\n<!-- holdfast:begin two -->')}\nat the end\n`
  const merged = merge(edited, page('what stands now'), noted(page('what stood before')))
  assert.equal(merged.how, 'updated')
  for (const text of ['# Ours', 'between', 'at the end', '\nwhat stands now\n', '\nsecond\n'])
    assert.ok(merged.text.includes(text), text)
  assert.ok(!merged.text.includes('what stood before'))
  const again = merge(merged.text, page('what stands now'), noted(page('what stands now')))
  assert.deepEqual(again, { text: merged.text, how: 'same', added: [], left: [] })
})

test('what people write outlives every later run, whether the definition changes or not', () => {
  let text = `${render(page('as it was'))}my note\n`
  let before = noted(page('as it was'))
  for (const now of ['as it was', 'as it was', 'changed', 'changed again', 'changed again']) {
    const merged = merge(text, page(now), before)
    assert.ok(merged.text.endsWith('\nmy note\n'), now)
    assert.ok(merged.text.includes(now))
    text = merged.text
    before = noted(page(now))
    assert.notEqual(digestOf(text), before.digest, 'nor is the file taken away when the definition needs it no more')
  }
})

test('an untouched file follows, and a file without marks stays', () => {
  const before = render(page('what stood before'))
  const known = noted(page('what stood before'))
  assert.equal(merge(before, page('what stands now'), known).how, 'updated')
  const { text, how } = merge('written by hand', page('what stands now'), known)
  assert.deepEqual([text, how], ['written by hand', 'kept'])
  assert.equal(merge(undefined, page('what stands now'), undefined).how, 'new')
})

test('a passage that somebody took out stays out, run after run, and is told each time', () => {
  const file = page('first')
  const taken = render(file).replace(/<!-- holdfast:begin two -->[\s\S]*end two -->/, '')
  for (const now of [file, page('changed'), page('changed again')]) {
    const merged = merge(taken, now, noted(now))
    assert.ok(!merged.text.includes('second'))
    assert.deepEqual([merged.added, merged.left], [[], ['two']])
  }
  // Without a manifest nobody can tell it from a new one, and what somebody may have taken out is left alone.
  assert.deepEqual(merge(taken, file, undefined).left, ['two'])
  // Its two marks, with nothing between them, ask for it again.
  const asked = `${taken}<!-- holdfast:begin two --><!-- holdfast:end two -->\n`
  const back = merge(asked, file, noted(file))
  assert.ok(back.text.endsWith('second\n<!-- holdfast:end two -->\n'))
  assert.deepEqual(back.left, [])
})

test('a passage that is new comes to its place in a file that people have written in, once', () => {
  const own = (ids: readonly string[]): KitFile => ({
    ...page(''),
    passages: ids.map((id) => ({ id, from: [], text: `text of ${id}` })),
  })
  const cases: readonly (readonly [readonly string[], readonly string[], readonly string[]])[] = [
    [['b'], ['b', 'c'], ['c']],
    [['b'], ['a', 'b'], ['a']],
    [['a', 'c'], ['a', 'b', 'c'], ['b']],
    [['a'], ['a', 'b', 'c'], ['b', 'c']],
  ]
  for (const [before, after, added] of cases) {
    const merged = merge(`ours\n${render(own(before))}ours too\n`, own(after), noted(own(before)))
    assert.deepEqual([merged.how, merged.added, merged.left], ['updated', added, []])
    assert.equal(merged.text, `ours\n${render(own(after))}ours too\n`)
    const again = merge(merged.text, own(after), noted(own(after)))
    assert.deepEqual([again.text, again.how, again.added], [merged.text, 'same', []])
  }
})

test('a passage that the kit has no more goes from between its marks', () => {
  const file = page('first')
  const gone: KitFile = { ...file, passages: file.passages.slice(0, 1) }
  const merged = merge(`${render(file)}ours\n`, gone, noted(file))
  assert.ok(!merged.text.includes('second') && !merged.text.includes('two'))
  assert.ok(merged.text.includes('first') && merged.text.endsWith('ours\n'))
})

test('a format without comments is ours until somebody changes it', () => {
  const hook = single('kiro', '.kiro/hooks/x.json', [], '{"a":1}\n')
  const next = single('kiro', '.kiro/hooks/x.json', [], '{"a":2}\n')
  assert.equal(render(hook), '{"a":1}\n')
  const told = (existing: string) => {
    const { text, how } = merge(existing, next, noted(hook))
    return [text, how]
  }
  assert.deepEqual(told('{"a":1}\n'), ['{"a":2}\n', 'updated'])
  assert.deepEqual(told('{"a":3}\n'), ['{"a":3}\n', 'kept'])
})

test('front matter stays the first bytes, and is left to people afterwards', () => {
  const steering = single('kiro', '.kiro/steering/x.md', [], 'text', '---\ninclusion: always\n---\n')
  assert.ok(render(steering).startsWith('---\ninclusion: always\n---\n<!-- holdfast:begin x -->'))
  const changed = render(steering).replace('always', 'manual')
  assert.ok(
    merge(
      changed,
      single('kiro', '.kiro/steering/x.md', [], 'new text', '---\ninclusion: always\n---\n'),
      undefined,
    ).text.startsWith('---\ninclusion: manual\n'),
  )
})
