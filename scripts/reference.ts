// Writes what is generated from tables in the code: `node --import tsx scripts/reference.ts`.
// With --check it writes nothing, names what is stale, and exits 1.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commandsPage } from '../src/cli/reference.ts'
import { rulesReference } from '../src/core/check/reference.ts'
import { jsonSchema } from '../src/core/define/fields.ts'
import { rulesPage, servicePage } from '../src/core/define/reference.ts'
import { metricsPage } from '../src/core/traffic/metrics.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Path in the repository → its text. A new generated page is a new row. */
const PAGES: Readonly<Record<string, () => string>> = {
  'schema/service.schema.json': () => `${JSON.stringify(jsonSchema(), null, 1)}\n`,
  'docs/reference/service-yaml.md': servicePage,
  'docs/reference/commands.md': commandsPage,
  'docs/reference/define-rules.md': rulesPage,
  'docs/reference/rules.md': () => rulesReference(),
  'docs/reference/metrics.md': metricsPage,
}

const check = process.argv.includes('--check')
const stale: string[] = []
for (const [path, make] of Object.entries(PAGES)) {
  const file = join(root, path)
  const text = make()
  if (readOr(file) === text) continue
  stale.push(path)
  if (check) continue
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
for (const path of stale)
  console.log(check ? `${path} is stale: run node --import tsx scripts/reference.ts` : `${path} written`)
process.exitCode = check && stale.length > 0 ? 1 : 0

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
