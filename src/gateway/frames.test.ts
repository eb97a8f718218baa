import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameEdge } from './frames.ts'

function frame(size: number, masked = false): Buffer {
  const mask = masked ? 0x80 : 0
  const head =
    size < 126
      ? [0x82, mask | size]
      : size < 65_536
        ? [0x82, mask | 126, size >> 8, size & 255]
        : [0x82, mask | 127, 0, 0, 0, 0, (size >>> 24) & 255, (size >> 16) & 255, (size >> 8) & 255, size & 255]
  return Buffer.concat([Buffer.from([...head, ...(masked ? [1, 2, 3, 4] : [])]), Buffer.alloc(size, 0x81)])
}

test('the end of each frame is known, whatever the sizes and wherever the chunks are cut', () => {
  const frames = [0, 1, 125, 126, 65_535, 65_536, 3].map((size, i) => frame(size, i % 2 === 1))
  const edges = new Set<number>()
  let total = 0
  for (const each of frames) {
    total += each.length
    edges.add(total)
  }
  const stream = Buffer.concat(frames)
  for (const cut of [1, 2, 3, 7, 1_000, stream.length]) {
    const edge = new FrameEdge()
    for (let at = 0; at < stream.length; at += cut) {
      const end = Math.min(at + cut, stream.length)
      edge.push(stream.subarray(at, end))
      assert.equal(edge.clear, edges.has(end), `cut ${cut}, byte ${end}`)
    }
  }
})
