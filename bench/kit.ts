/**
 * How long a kit takes: one for each example, then a hundred services, and whether the same definition gives the same bytes.
 * `node --import tsx bench/kit.ts [--services 100]`. Prints a table; passes or fails nothing.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadService } from '../src/core/define/load.ts'
import { render } from '../src/core/kit/file.ts'
import { makeKit, sourceOf } from '../src/core/kit/kit.ts'

const wanted = Number(process.argv[process.argv.indexOf('--services') + 1])
const services = process.argv.includes('--services') && wanted > 0 ? wanted : 100
const root = fileURLToPath(new URL('../examples/', import.meta.url))
const texts = readdirSync(root)
  .filter((folder) => existsSync(`${root}${folder}/service.yaml`))
  .map((folder) => ({ folder, text: readFileSync(`${root}${folder}/service.yaml`, 'utf8') }))

interface Made {
  readonly files: number
  readonly bytes: number
  readonly digest: string
}

/** From the text of the definition to the text of every file, as the command does it, without writing. */
function made(text: string): Made {
  const { service } = loadService(text, 'service.yaml')
  const all = makeKit(sourceOf(service!, [])).map(render)
  const hash = createHash('sha256')
  for (const one of all) hash.update(one)
  return { files: all.length, bytes: all.reduce((sum, one) => sum + one.length, 0), digest: hash.digest('hex') }
}

console.log('service                  files      KB     first     again   same bytes')
for (const { folder, text } of texts) {
  const from = performance.now()
  const first = made(text)
  const between = performance.now()
  const second = made(text)
  const until = performance.now()
  const ms = (span: number) => `${span.toFixed(0)} ms`.padStart(9)
  console.log(
    `${folder.padEnd(24)} ${String(first.files).padStart(5)} ${(first.bytes / 1_024).toFixed(0).padStart(7)} ${ms(between - from)} ${ms(until - between)}   ${first.digest === second.digest ? 'yes' : 'NO'}`,
  )
}
const from = performance.now()
let files = 0
for (let i = 0; i < services; i++) files += made(texts[i % texts.length]!.text).files
console.log(`${services} services, ${files} files: ${((performance.now() - from) / 1_000).toFixed(1)} s in one process`)
