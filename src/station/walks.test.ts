import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadService } from '../core/define/load.ts'
import type { World } from '../engine/world.ts'
import { keepWalking, walksOf } from './walks.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { service } = loadService(readFileSync(`${root}examples/heating-payment/service.yaml`, 'utf8'), 'service.yaml')

test('each journey is walked in its own order, with what its forms say', () => {
  const [apply] = walksOf(service!)
  assert.deepEqual(
    apply?.map(({ step }) => step),
    ['start', 'about-you', 'your-home', 'bank-details', 'check-answers', 'submit', 'confirmation'],
  )
  assert.ok(apply?.find(({ step }) => step === 'about-you')?.form)
})

test('walks go on as marked probes of the running release, and say once that they fail', async () => {
  const marks: string[] = []
  const server = createServer((request, response) => {
    marks.push(String(request.headers['x-probe']))
    response.writeHead(500).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const world = { publicUrl, probe: { header: 'x-probe', secret: 's' } } as World
  const said: string[] = []
  const walked = new Promise<void>((done) => {
    server.on('request', () => marks.length >= 4 && done())
  })
  const walker = keepWalking(world, service!, (text) => said.push(text), 1)
  try {
    await walked
    assert.ok(marks.every((mark) => mark === 's;arm=stable'))
    assert.equal(said.filter((text) => text.includes('"apply"')).length, 1)
    assert.match(said[0]!, /Walk through "apply" failed: apply\/start: answered 500/)
  } finally {
    walker.stop()
    server.closeAllConnections()
    server.close()
  }
})
