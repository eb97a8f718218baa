/** Podman with a store of its own, and an image of Node made from the Node that runs this test: no registry is asked. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { podmanEngine, whyNoPodman } from '../../src/adapters/podman/runtime.ts'
import { removeFolder } from '../folder.ts'

export interface Podman {
  readonly engine: readonly string[]
  /** An image with /usr/bin/node and nothing else, by digest. */
  readonly node: string
  /** An image with these files (place in it → file here) on top of another one of ours, by digest. */
  image(name: string, files: Readonly<Record<string, string>>, from?: string): string
  /** Ends what still runs, and forgets the images. */
  close(): void
}

/**
 * Why containers cannot be tested here, said loudly; undefined: they can. Where the tests are to be complete (CI), it throws instead.
 */
export function whyNoContainers(): string | undefined {
  const why = whyNoPodman()
  if (why === undefined) return undefined
  if (process.env.HOLDFAST_TESTS_COMPLETE) throw new Error(`Containers must be tested here, and cannot be: ${why}`)
  console.error(`\n!!! CONTAINERS ARE NOT TESTED ON THIS MACHINE: ${why}\n`)
  return why
}

/** What a front-end library has for browsers and its own tests. */
const NOT_FOR_SERVERS = /\.(scss|map|bundle\.m?js|woff2?)$|fixtures\.json$/

export function openPodman(): Podman {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-podman-'))
  const engine = [...podmanEngine(), '--root', join(folder, 'root'), '--runroot', join(folder, 'run')]
  weighAsProcesses()
  const podman = (...args: string[]) => {
    const [program = 'podman', ...options] = engine
    return execFileSync(program, [...options, '--log-level', 'error', ...args], {
      encoding: 'utf8',
      timeout: 120_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  }
  const build = (name: string, context: string, from: string) => {
    writeFileSync(join(context, 'Containerfile'), `FROM ${from}\nCOPY rootfs/ /\nWORKDIR /app\n`)
    // The host's network and no namespaces of its own: nothing runs while it is built.
    const flags = ['--quiet', '--isolation=chroot', '--network=host', '--pull-never']
    podman('build', ...flags, '--tag', `localhost/${name}`, context)
    return `localhost/${name}@${podman('image', 'inspect', '--format', '{{.Digest}}', `localhost/${name}`)}`
  }
  const image = (name: string, files: Readonly<Record<string, string>>, from: string) => {
    const context = join(folder, name)
    for (const [to, path] of Object.entries(files)) {
      const target = join(context, 'rootfs', to)
      mkdirSync(dirname(target), { recursive: true })
      cpSync(path, target, { recursive: true, dereference: true, filter: (file) => !NOT_FOR_SERVERS.test(file) })
    }
    mkdirSync(join(context, 'rootfs', 'app'), { recursive: true })
    const digest = build(name, context, from)
    rmSync(context, { recursive: true })
    return digest
  }
  const node = image('node', nodeFiles(), 'scratch')
  return {
    engine,
    node,
    image: (name, files, from = 'node') => image(name, files, `localhost/${from}`),
    close() {
      podman('rm', '--force', '--all', '--time', '0')
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

/**
 * Without systemd all containers together get the processor time of one process (control groups, version 1: 1,024 shares for podman's
 * group). Beside a whole test suite that starves them, so here they weigh as much as the eight processes that they are.
 */
function weighAsProcesses(): void {
  try {
    const group = '/sys/fs/cgroup/cpu/libpod_parent'
    mkdirSync(group, { recursive: true })
    writeFileSync(join(group, 'cpu.shares'), '8192')
  } catch {
    // Another kind of control groups, or none: then there is nothing to put right.
  }
}

/** The interpreter and the libraries that it names: about 104 MB. By their place in the image. */
function nodeFiles(): Record<string, string> {
  const program = realpathSync(process.execPath)
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? []
  return Object.fromEntries([
    ['usr/bin/node', program],
    ...libraries.map((path) => [path.slice(1), realpathSync(path)]),
  ])
}
