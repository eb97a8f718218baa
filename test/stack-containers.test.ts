/** The same drill on HAProxy and containers. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startEmbedded } from '../src/adapters/postgres/embedded.ts'
import { isUnreachable } from '../src/ports/unreachable.ts'
import { COMMAND, EXAMPLE, heatingBase, heatingImage } from './containers/heating.ts'
import { openPodman, type Podman, whyNoContainers } from './containers/podman.ts'
import { stackDrill } from './stacks/drill.ts'

const why = whyNoContainers()
if (why === undefined) {
  let podman: Podman | undefined
  let stopDatabase: (() => Promise<void>) | undefined
  stackDrill({
    name: 'HAProxy and containers',
    async definition(state) {
      podman = openPodman()
      const database = await startEmbedded({ folder: join(state, 'service-database'), databases: ['heating'] })
      stopDatabase = () => database.stop()
      heatingBase(podman)
      // The database listens on a socket that only its own user may open.
      const socket = new URL(database.urls.heating!).searchParams.get('host')!
      const { uid, gid } = statSync(socket)
      const root = join(state, 'definition')
      for (const release of ['r1', 'r2', 'r3']) {
        mkdirSync(join(root, 'releases', release), { recursive: true })
        writeFileSync(join(root, 'releases', release, 'image'), `${await heatingImage(podman, release)}\n`)
        const migrations = join('releases', release, 'migrations')
        if (existsSync(join(EXAMPLE, migrations)))
          cpSync(join(EXAMPLE, migrations), join(root, migrations), { recursive: true })
      }
      cpSync(join(EXAMPLE, 'migrations'), join(root, 'migrations'), { recursive: true })
      const container = { user: `${uid}:${gid}`, cpus: 2, mounts: [{ from: socket, to: socket }] }
      const text = readFileSync(join(EXAMPLE, 'service.yaml'), 'utf8')
        .replace('  kind: process\n', '  kind: podman\n  traffic: haproxy\n')
        .replace('command: [node, main.js]', `command: ${JSON.stringify(COMMAND)}`)
        .replace(
          '      replicas: 2\n',
          `      replicas: 2\n      memoryMb: 512\n      container: ${JSON.stringify(container)}\n`,
        )
      const file = join(root, 'service.yaml')
      writeFileSync(file, text)
      return { file, env: { HOLDFAST_PODMAN: podman.engine.join(' '), REHEARSAL_DATABASE_URL: database.urls.heating! } }
    },
    // The demo starts processes; the definition's own command is the container's.
    adjust: (plan) => ({ ...plan, next: { ...plan.next, command: COMMAND } }),
    async holds({ world }) {
      const instances = await world.runtime.instances('r2')
      assert.ok(!isUnreachable(instances) && instances.length === 2)
      for (const { pid, digest } of instances) {
        assert.match(digest ?? '', /^sha256:[0-9a-f]{64}$/)
        const status = readFileSync(`/proc/${pid}/status`, 'utf8')
        assert.match(status, /^CapEff:\t0+$/m, 'a replica has no capability')
        assert.match(status, /^NSpid:\t\d+\t1$/m, 'SIGTERM reaches the release itself')
        assert.match(readFileSync(`/proc/${pid}/mounts`, 'utf8'), /^\S+ \/ \S+ ro,/m, 'its files are read-only')
      }
    },
    async close() {
      await stopDatabase?.()
      podman?.close()
    },
  })
} else test('HAProxy and containers', { skip: why }, () => {})
