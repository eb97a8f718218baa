/** Keeps docs on the shape of the tree true. Each message names the file and the way out. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file && existsSync(join(root, file)))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const sources = files.filter((file) => file.startsWith('src/') && file.endsWith('.ts'))
const isTest = (file: string) => file.endsWith('.test.ts')

function importsOf(file: string): string[] {
  const found = read(file).matchAll(/^(?:import|export)\b(?:[^'"`;]*?\bfrom)? '([^']+)'|\bimport\(\s*'([^']+)'/gm)
  return [...found].map(([, target, lazy]) => (target ?? lazy)!)
}

/** Which parts of src/ a part may import, and which packages core may use: those that only compute. */
const MAY_IMPORT: Record<string, RegExp> = {
  core: /^src\/core\//,
  ports: /^src\/(core|ports)\//,
  // HAProxy is steered through the gateway's own control protocol, and shows its pages.
  adapters: /^src\/(core|ports|adapters|entry\.ts|testing|gateway\/(control|disk|messages|metrics|pages)\.ts)/,
  engine: /^src\/(core|ports|engine)\//,
  // One gateway a state folder: the lock that supervisors take.
  gateway: /^src\/(core|ports|gateway|entry\.ts|adapters\/process\/lock\.ts)/,
  web: /^src\/(core|ports|engine|web|cli\/version\.ts)/,
  load: /^src\/(core|load|entry\.ts)/,
  mcp: /^src\/(core|ports|adapters|mcp)\//,
}
const PURE_PACKAGES = ['node:crypto', 'node:util', 'node:buffer', 'zod', 'yaml', 'temporal-polyfill', 'markdown-it']

test('dependencies point one way', () => {
  const wrong: string[] = []
  for (const file of sources.filter((one) => !isTest(one))) {
    const part = file.split('/')[1]!
    const allowed = MAY_IMPORT[part]
    if (!allowed) continue
    for (const target of importsOf(file)) {
      const isOurs = target.startsWith('.')
      const where = isOurs ? normalize(join(dirname(file), target)) : target
      if (isOurs && !allowed.test(where))
        wrong.push(`${file} imports ${where}: ${part} may only import ${allowed.source}`)
      if (!isOurs && part === 'core' && !PURE_PACKAGES.some((name) => where === name || where.startsWith(`${name}/`))) {
        wrong.push(`${file} imports ${where}: core only computes. Move the call to an adapter and pass its answer in.`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

/** The checker's rules and their examples name what they look for: a forgotten TODO, a read of the environment, a host. */
const LOOKS_FOR_IT = /^(src\/core\/(check|kit)|test\/(check|define))\//

test('core has no clock, dice or environment', () => {
  const wrong = sources
    .filter((file) => file.startsWith('src/core/') && !isTest(file) && !file.startsWith('src/core/check/rules/'))
    .flatMap((file) => {
      const code = read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      const found =
        /\bDate\.now\(|\bMath\.random\(|\bprocess\.(env|hrtime|cwd)|new Date\(\)|performance\.now\(|\bsetTimeout\(|Temporal\.Now/.exec(
          code,
        )
      return found ? [`${file} uses ${found[0]}: take it as an argument.`] : []
    })
  assert.deepEqual(wrong, [])
})

test('every adapter is held to the contract of its port', () => {
  const wrong: string[] = []
  for (const port of ['store', 'traffic', 'runtime', 'notifier']) {
    const suite = `test/contracts/${port}.test.ts`
    if (!files.includes(suite)) {
      wrong.push(`${suite} is missing: every adapter of src/ports/${port}.ts must pass one contract.`)
      continue
    }
    const run = read(suite)
    for (const file of sources.filter((one) => new RegExp(`^src/adapters/[^/]+/${port}\\.ts$`).test(one))) {
      const provider = file.split('/')[2]!
      if (!run.includes(`adapters/${provider}/`)) wrong.push(`${suite} does not run ${file}.`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('a file is one noun', () => {
  // 24 KB is about 600 lines: longer ones were found to hold several nouns.
  const long = sources.filter((file) => statSync(join(root, file)).size > 24 * 1024)
  assert.deepEqual(long, [], 'split these files')
})

test('nothing names the machine that made it, switches a test off, or is left undone', () => {
  const rules: [RegExp, string][] = [
    [/(^|[^A-Za-z0-9_.-])\/(work|farm)\/[a-z]/, 'a path of one machine'],
    [/registry\.npmjs\.org|registry-[a-z]+\./, "a registry's host"],
    [/\b(test|it|describe)\.(only|todo)\(/, 'a test switched off'],
    [/\b(TODO|FIXME|XXX)\b/, 'unfinished work'],
  ]
  const text = files.filter((file) => /\.(ts|js|json|md|ya?ml|sql|sh|css|njk|html)$|^\.ci\/run$/.test(file))
  const wrong = text
    .filter((file) => file !== 'test/tidy.test.ts' && !file.includes('/golden/') && !LOOKS_FOR_IT.test(file))
    .flatMap((file) => rules.flatMap(([rule, says]) => (rule.test(read(file)) ? [`${file}: ${says}`] : [])))
  assert.deepEqual(wrong, [])
})
