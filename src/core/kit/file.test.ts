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

test('what people write outside of the marks survives, and what is inside follows the definition', () => {
  const before = render(page('what stood before'))
  const edited = `# Ours\n\n${before.replace('<!-- holdfast:begin two -->', 'between\n<!-- holdfast:begin two -->')}\nat the end\n`
  const merged = merge(edited, page('what stands now'), digestOf(before))
  assert.equal(merged.how, 'updated')
  for (const text of ['# Ours', 'between', 'at the end', '\nwhat stands now\n', '\nsecond\n'])
    assert.ok(merged.text.includes(text), text)
  assert.ok(!merged.text.includes('what stood before'))
  assert.deepEqual(merge(merged.text, page('what stands now'), undefined), { text: merged.text, how: 'same' })
})

test('what people write outlives every later run, whether the definition changes or not', () => {
  const noted = (file: KitFile) =>
    manifestOf({ service: { id: 'x' } } as never, 'service.yaml', [file], () => ({ line: 1, col: 1 })).files[0]!.digest
  let text = `${render(page('as it was'))}my note\n`
  let digest = noted(page('as it was'))
  for (const now of ['as it was', 'as it was', 'changed', 'changed again', 'changed again']) {
    const merged = merge(text, page(now), digest)
    assert.ok(merged.text.endsWith('\nmy note\n'), now)
    assert.ok(merged.text.includes(now))
    text = merged.text
    digest = noted(page(now))
    assert.notEqual(digestOf(text), digest, 'nor is the file taken away when the definition needs it no more')
  }
})

test('an untouched file follows, a file without marks stays, and a passage that was taken away stays away', () => {
  const before = render(page('what stood before'))
  assert.equal(merge(before, page('what stands now'), digestOf(before)).how, 'updated')
  assert.deepEqual(merge('written by hand', page('what stands now'), digestOf(before)), {
    text: 'written by hand',
    how: 'kept',
  })
  const without = before.replace(/<!-- holdfast:begin two -->[\s\S]*end two -->/, '')
  assert.ok(!merge(without, page('what stands now'), undefined).text.includes('second'))
  assert.equal(merge(undefined, page('what stands now'), undefined).how, 'new')
})

test('a format without comments is ours until somebody changes it', () => {
  const hook = single('kiro', '.kiro/hooks/x.json', [], '{"a":1}\n')
  const next = single('kiro', '.kiro/hooks/x.json', [], '{"a":2}\n')
  assert.equal(render(hook), '{"a":1}\n')
  assert.deepEqual(merge('{"a":1}\n', next, digestOf('{"a":1}\n')), { text: '{"a":2}\n', how: 'updated' })
  assert.deepEqual(merge('{"a":3}\n', next, digestOf('{"a":1}\n')), { text: '{"a":3}\n', how: 'kept' })
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
