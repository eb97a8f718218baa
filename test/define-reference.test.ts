import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { fields } from '../src/core/define/fields.ts'
import { loadService } from '../src/core/define/load.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

test('the JSON Schema and the reference pages are those of the code', () => {
  const run = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/reference.ts', '--check'], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(run.status, 0, run.stdout + run.stderr)
})

test('every field is described, with an example that is not empty', () => {
  for (const field of fields().values()) {
    // The sorts of an indicator and the names of a record are described by what they belong to.
    if (field.path === 'slis[].kind' || field.path.endsWith('.*')) continue
    assert.ok(field.description.length > 3, `${field.path} has a description`)
    assert.notEqual(field.example, undefined, `${field.path} has an example`)
  }
})

const services = readdirSync(`${root}examples`).filter((folder) => existsSync(`${root}examples/${folder}/service.yaml`))

test('six services are described', () => void assert.equal(services.length, 6))

for (const folder of services) {
  test(`examples/${folder}/service.yaml has no finding`, () => {
    const { service, findings } = loadService(
      readFileSync(`${root}examples/${folder}/service.yaml`, 'utf8'),
      'service.yaml',
    )
    assert.deepEqual(
      findings.map((finding) => `${finding.line}:${finding.col} ${finding.says}`),
      [],
    )
    assert.equal(service?.service.id, folder)
  })
}
