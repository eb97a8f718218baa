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
const { status } = spawnSync(
  process.execPath,
  [
    '--import',
    'tsx',
    '--test',
    '--test-concurrency=2',
    '--test-reporter=spec',
    ...(unit.length > 0 ? ['test/unit.ts'] : []),
    ...files,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, HOLDFAST_UNIT_TESTS: unit.join(':') } },
)
process.exit(status ?? 1)
