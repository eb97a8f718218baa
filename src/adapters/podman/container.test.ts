import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerSpec, ReleaseSpec } from '../../ports/runtime.ts'
import { runArgs } from './container.ts'
import { podmanEngine } from './runtime.ts'

const SPEC: ReleaseSpec = {
  epoch: 1,
  service: 'heating-payment',
  release: 'r1',
  replicas: 1,
  command: ['/usr/bin/node', 'main.js', '--port={port}'],
  folder: '/srv',
  env: { DATABASE_URL: 'postgresql://secret', PATH: '/usr/bin' },
  readyPath: '/ready',
  startMsMax: 1_000,
  stopMsMax: 15_500,
}
const RECORD = { id: 'r1-12345678', port: 8_081, token: 'token', startedAt: 0, restarts: 0 }
const args = (container: Partial<ContainerSpec> = {}) =>
  runArgs(SPEC, { image: 'localhost/web@sha256:ab', ...container }, RECORD)

test('the value of a setting is never on a command line; only podman’s own names are', () => {
  const line = args().join(' ')
  assert.match(line, /--env DATABASE_URL /)
  assert.doesNotMatch(line, /secret/)
  assert.match(line, /--env PATH=\/usr\/bin /)
})

test('a container may as little as possible, and stops inside its budget', () => {
  const line = args().join(' ')
  for (const flag of ['--read-only', '--cap-drop all', '--security-opt no-new-privileges', '--stop-timeout 16'])
    assert.ok(line.includes(flag), flag)
  assert.match(line, /--ulimit nofile=\d+:\d+ --ulimit nproc=\d+:\d+/)
})

test('limits, mounts and network are those of the definition, and the image comes right before its command', () => {
  const all = args({ memoryMb: 256, cpus: 1.5, network: 'published', mounts: [{ from: '/run/pg', to: '/db' }] })
  const line = all.join(' ')
  assert.match(line, /--memory 256m --memory-swap 256m --cpus 1\.5/)
  assert.match(line, /--publish 127\.0\.0\.1:8081:8081/)
  assert.match(line, /--volume \/run\/pg:\/db:ro/)
  assert.deepEqual(all.slice(-4), ['localhost/web@sha256:ab', '/usr/bin/node', 'main.js', '--port=8081'])
})

test('HOLDFAST_PODMAN replaces the engine', () => {
  assert.deepEqual(podmanEngine({ HOLDFAST_PODMAN: ' podman  --root /data ' }), ['podman', '--root', '/data'])
  assert.equal(podmanEngine({ HOLDFAST_PODMAN: ' ' })[0], 'podman')
})
