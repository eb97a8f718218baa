import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatOf, mayMatter } from '../../src/core/check/detect.ts'
import { worldOf } from '../../src/core/check/world.ts'
import { EXAMPLES } from './examples/all.ts'

for (const { format, name, files, read, gives } of EXAMPLES) {
  test(`${format}: ${name}`, () => {
    const entries = Object.entries(files)
    for (const [path] of entries) assert.ok(mayMatter(path), `${path} is read`)
    const formats = entries.map(([path, text]) => formatOf(path, text))
    assert.ok(formats.includes(format), `${formats.join(', ')}`)
    const world = worldOf({ files: entries.map(([path, text]) => ({ path, text })), problems: [] }, 0)
    assert.deepEqual(read(world), gives)
    assert.deepEqual([...world.problems], [])
  })
}
