import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isReversible, judgeMigrations, type MigrationPolicy } from './migration.ts'

const filesOf = (sql: string) => [{ file: '0001_a.sql', sql }]
const told = (
  sql: string,
  policy: MigrationPolicy = 'expand-contract',
  indexes: 'concurrently' | 'plain' = 'concurrently',
) => judgeMigrations(filesOf(sql), policy, indexes).map(({ rule, severity }) => `${rule} ${severity}`)

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
  ['a file that breaks off', "INSERT INTO t VALUES ('", ['migration-cannot-tell error']],
]

for (const [says, sql, findings] of CASES) {
  test(`${says}: ${findings.join(', ') || 'nothing to say'}`, () => assert.deepEqual(told(sql), findings))
}

test('each finding says where, what it does to citizens, and what to do instead', () => {
  const [finding] = judgeMigrations(filesOf('ALTER TABLE t\n  ADD a int,\n  DROP COLUMN b;'), 'expand-contract')
  assert.deepEqual([finding!.file, finding!.line, finding!.col], ['0001_a.sql', 3, 3])
  for (const words of [finding!.says, finding!.harm, finding!.fix, finding!.cites]) assert.ok(words.length > 20)
})

test('after a destructive change a rollback cannot be promised, even where the policy allows it', () => {
  assert.equal(isReversible(filesOf('ALTER TABLE t ADD b int')), true)
  assert.equal(isReversible(filesOf('DROP TABLE t')), false)
  assert.deepEqual(told('DROP TABLE t', 'breaking-allowed'), ['migration-destructive warn'])
})

test('policies say what a service does not want, harmless or not', () => {
  assert.deepEqual(told('ALTER TABLE t DROP CONSTRAINT c'), [])
  assert.deepEqual(told('ALTER TABLE t DROP CONSTRAINT c', 'additive'), ['migration-policy error'])
  assert.deepEqual(told('UPDATE t SET a = 1 WHERE b', 'additive'), [])
  assert.deepEqual(told('UPDATE t SET a = 1 WHERE b', 'append-only'), ['migration-policy error'])
  assert.deepEqual(told('CREATE INDEX i ON t (a)', 'append-only', 'plain'), ['migration-locks info'])
})

test('files are judged in the order of their names: a table of the first is new in the second', () => {
  const files = [
    { file: '0002_b.sql', sql: 'CREATE INDEX i ON t (a); CREATE INDEX j ON u (a)' },
    { file: '0001_a.sql', sql: 'CREATE TABLE t (a int); DROP TABLE v' },
  ]
  const findings = judgeMigrations(files, 'expand-contract')
  assert.deepEqual(
    findings.map(({ file, rule, says }) => [file, rule, / u /.test(says)]),
    [
      ['0001_a.sql', 'migration-destructive', false],
      ['0002_b.sql', 'migration-locks', true],
    ],
  )
})
