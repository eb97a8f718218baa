/**
 * What `holdfast check --hook` costs at a save: the whole process, from start to exit, beside a Node that does nothing at all.
 * Needs a build. `node --import tsx bench/hook.ts --rounds 40`
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { CASES } from '../test/check/labelled/all.ts'

const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 30
const program = fileURLToPath(new URL('../bin/holdfast.js', import.meta.url))
if (!existsSync(fileURLToPath(new URL('../dist/hook.cjs', import.meta.url)))) {
  console.error('There is no build: run npm run build first.')
  process.exit(2)
}
const folder = mkdtempSync(join(tmpdir(), 'holdfast-hook-'))
try {
  const cases = CASES.slice(0, 60)
  for (const [index, { files }] of cases.entries())
    for (const [path, text] of Object.entries(files)) write(`part${index}/${path}`, text)
  const saved = 'k8s/web.yaml'
  const text = (n: number) =>
    `# ${n}\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: 4\n  template:\n    spec:\n      containers: [{ name: app, image: "r/web:latest", ports: [{ containerPort: 8080 }] }]\n`
  write(saved, text(0))
  const event = JSON.stringify({
    session_id: 's',
    cwd: folder,
    hook_event_name: 'PostFileSave',
    file_path: join(folder, saved),
  })
  const idle = () => spawnSync(process.execPath, ['-e', '0'])
  const hook = () => {
    const { status, stderr } = spawnSync(process.execPath, [program, 'check', '--hook'], {
      cwd: folder,
      input: event,
      env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') },
    })
    if (status !== 0 && status !== 1) throw new Error(`The hook broke: ${String(stderr).slice(-500)}`)
  }
  const changed = (n: number) => {
    write(saved, text(n))
    // A report of long ago: the two seconds between looks are not what is measured here.
    rmSync(join(folder, '.holdfast'), { recursive: true, force: true })
  }
  hook()
  const rows: [string, () => unknown, (n: number) => void][] = [
    ['node that does nothing', idle, () => {}],
    ['save of what was judged before', hook, () => {}],
    ['save of something new', hook, changed],
  ]
  const times = new Map<string, number[]>(rows.map(([name]) => [name, []]))
  // The three take turns, so that what else the machine does hits all of them alike.
  for (let round = 1; round <= rounds; round++) {
    for (const [name, run, before] of rows) {
      before(round)
      const started = performance.now()
      run()
      times.get(name)!.push(performance.now() - started)
    }
  }
  const quantile = (list: readonly number[], q: number) =>
    [...list].sort((a, b) => a - b)[Math.floor(q * (list.length - 1))]!
  const base = quantile(times.get(rows[0]![0])!, 0.5)
  console.log('whole process                     median    best   worst tenth   more than node alone')
  for (const [name, list] of times) {
    const at = (q: number) => `${Math.round(quantile(list, q))} ms`.padStart(8)
    console.log(
      `${name.padEnd(32)}${at(0.5)}${at(0)}${at(0.9).padStart(14)}${`${Math.round(quantile(list, 0.5) - base)} ms`.padStart(23)}`,
    )
  }
  console.log(`${rounds} rounds, Node ${process.versions.node}.`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function write(path: string, text: string): undefined {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
