import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson } from './json.ts'

test('keys stand in code-point order at every depth, and nothing else changes', () => {
  assert.equal(canonicalJson({ b: [{ z: 1, a: null }], a: 'ü', B: 0.5 }), '{"B":0.5,"a":"ü","b":[{"a":null,"z":1}]}')
  assert.equal(canonicalJson({ left: undefined, at: new Date(0), of: () => 1 }), '{"at":"1970-01-01T00:00:00.000Z"}')
  assert.equal(canonicalJson([undefined, Number.NaN, new Array(1), 'x']), '[null,null,[null],"x"]')
})

test('the bytes are those of JSON.stringify with every object’s keys sorted', () => {
  const sorting = (_: string, inner: unknown) =>
    inner === null || typeof inner !== 'object' || Array.isArray(inner)
      ? inner
      : Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  fc.assert(fc.property(fc.jsonValue(), (value) => canonicalJson(value) === JSON.stringify(value, sorting)))
})
