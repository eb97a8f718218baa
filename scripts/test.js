// Runs the tests. `npm test` runs all; `npm test -- src/core` or `npm test -- test/gateway` only files whose path has the word.
// Unit tests (src/**/*.test.ts) share one process, because starting one for each costs more than the tests.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const wanted = (file) => words.length === 0 || words.some((word) => file.includes(word))
const tests = (folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => file.endsWith('.test.ts') && wanted(file))
    .sort()

const unit = tests('src')
const files = tests('test')
if (unit.length + files.length === 0) {
  console.error(`No test file matches ${words.join(', ') || 'src/ and test/'}. A run without tests is a failure.`)
  process.exit(1)
}

// Programs that tests start come from a fresh build. One that does not compile is no reason to run no test.
function build() {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.js')], { cwd: root, stdio: 'inherit' })
  if (status === 0) return { HOLDFAST_BUILT: join(root, 'dist/src') }
  console.error('The build failed, so the programs that tests start come from the sources, and start more slowly.')
  return {}
}
const built = files.length > 0 ? build() : {}

// The demo sends 260 requests a second for a minute: beside another test it would tell of the machine, not of itself.
const ALONE = ['test/readme.test.ts']

function run(unit, files, concurrency) {
  if (unit.length + files.length === 0) return 0
  const { status } = spawnSync(
    process.execPath,
    [
      '--import',
      'tsx',
      '--test',
      `--test-concurrency=${concurrency}`,
      '--test-reporter=spec',
      ...(unit.length > 0 ? ['test/unit.ts'] : []),
      ...files,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...built, HOLDFAST_UNIT_TESTS: unit.join(':') } },
  )
  return status ?? 1
}

const alone = files.filter((file) => ALONE.includes(file))
const together = files.filter((file) => !ALONE.includes(file))
// Both run, whatever comes of the first: a failure should not hide another.
const codes = [run([], alone, 1), run(unit, together, 2)]
process.exit(codes.find((code) => code !== 0) ?? 0)
