import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeMigrations, type MigrationPolicy } from './migration.ts'

const usual: MigrationPolicy = { policy: 'expand-contract', indexes: 'concurrently' }
const judge = (sql: string, policy = usual) => judgeMigrations([{ file: '0001_a.sql', sql }], policy)
const told = (sql: string, policy = usual) =>
  judge(sql, policy).findings.map(({ rule, severity }) => `${rule} ${severity}`)

const CASES: readonly (readonly [says: string, sql: string, findings: readonly string[]])[] = [
  ['a new table and its index', 'CREATE TABLE t (a int); CREATE INDEX i ON t (a);', []],
  ['a new column', 'ALTER TABLE t ADD COLUMN b text', []],
  ['a new column with a constant', "ALTER TABLE t ADD COLUMN b text NOT NULL DEFAULT ''", []],
  ['a dropped column', 'ALTER TABLE t DROP COLUMN b', ['migration-destructive error']],
  ['a renamed column', 'ALTER TABLE t RENAME COLUMN a TO b', ['migration-destructive error']],
  ['a dropped table', 'DROP TABLE t', ['migration-destructive error']],
  ['a required column', 'ALTER TABLE t ADD COLUMN b text NOT NULL', ['migration-destructive error']],
  ['a rule the running release may break', 'ALTER TABLE t ALTER a SET NOT NULL', ['migration-destructive error']],
  ['a narrower type', 'ALTER TABLE t ALTER a TYPE integer', ['migration-destructive error']],
  ['emptied tables', 'TRUNCATE t; DELETE FROM u', ['migration-destructive error', 'migration-destructive error']],
  ['an index that blocks writes', 'CREATE INDEX i ON t (a)', ['migration-locks warn']],
  ['an index that does not', 'CREATE INDEX CONCURRENTLY i ON t (a)', []],
  ['every row at once', 'UPDATE t SET a = 1', ['migration-locks warn']],
  ['code we cannot see', 'DO $$ BEGIN DROP TABLE t; END $$', ['migration-cannot-tell warn']],
  ['words in strings and comments', "-- DROP TABLE t\nINSERT INTO t VALUES ('; DROP TABLE t;')", []],
  [
    'an index beside others',
    'ALTER TABLE t ADD b int; CREATE INDEX CONCURRENTLY i ON t (b)',
    ['migration-transaction error'],
  ],
  ['its own transaction', 'BEGIN; ALTER TABLE t ADD b int; COMMIT', ['migration-transaction error']],
  ['the way back of goose', '-- +goose Up\nALTER TABLE t ADD b int;\n-- +goose Down\nALTER TABLE t DROP b;', []],
  ['a file that breaks off', "INSERT INTO t VALUES ('", ['migration-cannot-tell warn']],
]

for (const [says, sql, findings] of CASES) {
  test(`${says}: ${findings.join(', ') || 'nothing to say'}`, () => assert.deepEqual(told(sql), findings))
}

test('each finding says where, what it does to citizens, and what to do instead', () => {
  const [finding] = judge('ALTER TABLE t\n  ADD a int,\n  DROP COLUMN b;').findings
  assert.deepEqual([finding!.file, finding!.line, finding!.col], ['0001_a.sql', 3, 3])
  for (const words of [finding!.says, finding!.harm, finding!.fix, finding!.cites]) assert.ok(words.length > 20)
})

test('after a destructive change a rollback cannot be promised, even where the policy allows it', () => {
  const allowed: MigrationPolicy = { policy: 'breaking-allowed', indexes: 'plain' }
  assert.equal(judge('ALTER TABLE t ADD b int', allowed).reversible, true)
  const judged = judge('DROP TABLE t', allowed)
  assert.equal(judged.reversible, false)
  assert.equal(judged.findings[0]!.severity, 'warn')
})

test('policies say what a service does not want, harmless or not', () => {
  const additive: MigrationPolicy = { policy: 'additive', indexes: 'plain' }
  const appendOnly: MigrationPolicy = { policy: 'append-only', indexes: 'plain' }
  assert.deepEqual(told('ALTER TABLE t DROP CONSTRAINT c', usual), [])
  assert.deepEqual(told('ALTER TABLE t DROP CONSTRAINT c', additive), ['migration-policy error'])
  assert.deepEqual(told('UPDATE t SET a = 1 WHERE b', additive), [])
  assert.deepEqual(told('UPDATE t SET a = 1 WHERE b', appendOnly), ['migration-policy error'])
  assert.deepEqual(told('CREATE INDEX i ON t (a)', appendOnly), ['migration-locks info'])
})

test('files are judged in the order of their names: a table of the first is new in the second', () => {
  const files = [
    { file: '0002_b.sql', sql: 'CREATE INDEX i ON t (a); CREATE INDEX j ON u (a)' },
    { file: '0001_a.sql', sql: 'CREATE TABLE t (a int); DROP TABLE v' },
  ]
  const { findings } = judgeMigrations(files, usual)
  assert.deepEqual(
    findings.map(({ file, rule, says }) => [file, rule, / u /.test(says)]),
    [
      ['0001_a.sql', 'migration-destructive', false],
      ['0002_b.sql', 'migration-locks', true],
    ],
  )
})
