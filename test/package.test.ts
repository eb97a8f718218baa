/** What people install: the packed tarball, in an empty folder, with nothing of the checkout around it. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { removeFolder } from './folder.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

test('holdfast runs from its tarball in an empty folder, and Ctrl-C leaves the old release serving', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-package-'))
  try {
    const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, maxBuffer: 1 << 26 })
    const [{ filename, files }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('['))) as [
      { filename: string; files: { path: string }[] },
    ]
    const strays = files.map(({ path }) => path).filter((path) => /\.test\.|^src\/|^test\/|\.holdfast/.test(path))
    assert.deepEqual(strays, [], 'sources of tests and state folders stay at home')
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n')
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, filename)], {
      cwd: folder,
      maxBuffer: 1 << 26,
    })
    const holdfast = join(folder, 'node_modules', '.bin', 'holdfast')
    const help = await run(holdfast, ['--help'], { cwd: folder })
    for (const word of ['demo', 'define', 'deploy', 'prove', 'respond', 'serve'])
      assert.match(help.stdout, new RegExp(`\\b${word}\\b`))
    const example = join(folder, 'node_modules', 'holdfast', 'examples', 'heating-payment', 'service.yaml')
    const defined = await run(holdfast, ['define', example, '--json'], { cwd: folder })
    assert.doesNotThrow(() => JSON.parse(defined.stdout))

    const demo = spawn(holdfast, ['demo', '--ci'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    let said = ''
    let interrupted = false
    demo.stderr.on('data', (chunk) => {
      said += chunk
      // In the middle of the first trial: citizens are on both releases.
      if (!interrupted && /r2 meets its first citizens|r2 gets \d+ % of new sessions/.test(said)) {
        interrupted = true
        demo.kill('SIGINT')
      }
    })
    const [code] = await once(demo, 'exit')
    assert.equal(code, 130, said)
    assert.match(said, /Interrupted\. r1 answers everybody/)
  } finally {
    removeFolder(folder)
  }
})
