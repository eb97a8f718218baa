import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSql } from './sql.ts'
import { judgeSql } from './sql-effects.ts'

test('statements are split at semicolons that really end them, with their places', () => {
  const file = readSql(`-- first
CREATE TABLE a (note text DEFAULT ';'); /* two /* nested */ ; */
  SELECT $body$ ; $body$, E'it\\'s;', 'it''s;', "odd;name";
COPY a FROM stdin;
1;2
\\.
UPDATE a SET b = 1;`)
  assert.deepEqual(
    file.statements.map(({ line, col, tokens }) => [line, col, tokens[0]?.text]),
    [
      [2, 1, 'CREATE'],
      [3, 3, 'SELECT'],
      [4, 1, 'COPY'],
      [7, 1, 'UPDATE'],
    ],
  )
  assert.equal(file.problem, undefined)
})

test('a function body in SQL-standard form is one statement', () => {
  const file = readSql(
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 1;',
  )
  assert.equal(file.statements.length, 2)
})

test('an unclosed quote is a problem with a place, never a crash, and what came before stands', () => {
  for (const open of ["'", '"', '$x$', '/*', '`']) {
    const file = readSql(`DROP TABLE a;\nSELECT ${open}abc`)
    assert.equal(file.statements.length, 1)
    assert.equal(file.problem?.line, 2)
    assert.equal(judgeSql(`DROP TABLE a;\nSELECT ${open}abc`).worst, 'destructive')
  }
})

test('down sections are told from up sections', () => {
  for (const [up, down] of [
    ['-- +goose Up', '-- +goose Down'],
    ['-- migrate:up', '-- migrate:down'],
    ['-- +migrate Up', '-- +migrate Down'],
  ]) {
    const file = readSql(`${up}\nCREATE TABLE a (id int);\n${down}\nDROP TABLE a;`)
    assert.deepEqual(
      file.statements.map((statement) => statement.direction),
      ['up', 'down'],
    )
    assert.equal(judgeSql(`${up}\nCREATE TABLE a (id int);\n${down}\nDROP TABLE b;`).worst, 'expand-safe')
  }
})

const CASES: readonly [sql: string, kind: string, what: string][] = [
  ['CREATE TABLE a (id int PRIMARY KEY)', 'expand-safe', 'create-table'],
  ['ALTER TABLE a ADD COLUMN b text', 'expand-safe', 'add-column'],
  ["ALTER TABLE a ADD b text NOT NULL DEFAULT 'x'", 'expand-safe', 'add-column'],
  ['ALTER TABLE a ADD COLUMN b timestamptz NOT NULL DEFAULT now()', 'expand-safe', 'add-column'],
  ['ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid()', 'locks', 'add-column'],
  ['ALTER TABLE a ADD COLUMN b bigserial', 'locks', 'add-column'],
  ['ALTER TABLE a ADD COLUMN b int REFERENCES c (id)', 'expand-safe', 'add-column'],
  ['ALTER TABLE a ADD COLUMN b text NOT NULL', 'destructive', 'add-required-column'],
  ['ALTER TABLE IF EXISTS ONLY public."A" DROP COLUMN IF EXISTS b CASCADE', 'destructive', 'drop-column'],
  ['ALTER TABLE a RENAME COLUMN b TO c', 'destructive', 'rename-column'],
  ['ALTER TABLE a RENAME b TO c', 'destructive', 'rename-column'],
  ['ALTER TABLE a RENAME TO c', 'destructive', 'rename-table'],
  ['ALTER TABLE a RENAME CONSTRAINT b TO c', 'expand-safe', 'rename-constraint'],
  ['ALTER TABLE a ALTER b SET NOT NULL', 'destructive', 'set-not-null'],
  ['ALTER TABLE a ALTER COLUMN b DROP NOT NULL', 'expand-safe', 'drop-not-null'],
  ['ALTER TABLE a ALTER COLUMN b SET DEFAULT 3', 'expand-safe', 'set-default'],
  ['ALTER TABLE a ALTER COLUMN b DROP DEFAULT', 'cannot-tell', 'drop-default'],
  ['ALTER TABLE a ALTER COLUMN b TYPE text', 'cannot-tell', 'change-type'],
  ['ALTER TABLE a ALTER COLUMN b TYPE bigint', 'locks', 'change-type'],
  ['ALTER TABLE a ALTER COLUMN b SET DATA TYPE date USING b::date', 'destructive', 'change-type'],
  ['ALTER TABLE a ADD CONSTRAINT x FOREIGN KEY (b) REFERENCES c (id) NOT VALID', 'expand-safe', 'add-foreign-key'],
  ['ALTER TABLE a ADD CONSTRAINT x FOREIGN KEY (b) REFERENCES c (id)', 'locks', 'add-foreign-key'],
  ['ALTER TABLE a VALIDATE CONSTRAINT x', 'expand-safe', 'validate-constraint'],
  ['ALTER TABLE a ADD CONSTRAINT x UNIQUE (b)', 'locks', 'add-unique'],
  ['ALTER TABLE a ADD CONSTRAINT x UNIQUE USING INDEX y', 'expand-safe', 'add-constraint'],
  ['ALTER TABLE a ADD CHECK (b > 0) NOT VALID', 'expand-safe', 'add-check'],
  ['ALTER TABLE a DROP CONSTRAINT x', 'expand-safe', 'drop-constraint'],
  ['ALTER TABLE a ENABLE ROW LEVEL SECURITY', 'cannot-tell', 'row-security'],
  ["ALTER TYPE t ADD VALUE 'new'", 'expand-safe', 'add-enum-value'],
  ["ALTER TYPE t RENAME VALUE 'x' TO 'y'", 'destructive', 'rename-part'],
  ['CREATE INDEX i ON a (b)', 'locks', 'create-index'],
  ['CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)', 'expand-safe', 'create-unique-index'],
  ['DROP INDEX i', 'locks', 'drop-index'],
  ['DROP INDEX CONCURRENTLY i', 'expand-safe', 'drop-index'],
  ['DROP TABLE IF EXISTS a, b', 'destructive', 'drop-table'],
  ['DROP VIEW v', 'destructive', 'drop-view'],
  ['TRUNCATE a', 'destructive', 'truncate'],
  ['DELETE FROM a', 'destructive', 'delete-all'],
  ['DELETE FROM a WHERE b = 1', 'cannot-tell', 'delete-some'],
  ['UPDATE a SET b = 1', 'locks', 'update-all'],
  ['UPDATE a SET b = 1 WHERE id < 100', 'data', 'update'],
  ['INSERT INTO a VALUES (1)', 'data', 'insert'],
  ['DO $$ BEGIN DROP TABLE a; END $$', 'cannot-tell', 'do-block'],
  ["SELECT pg_catalog.set_config('search_path', '', false)", 'expand-safe', 'select'],
  ['SELECT purge_everything()', 'cannot-tell', 'call'],
  ["SET lock_timeout = '5s'", 'expand-safe', 'setting'],
  ['REINDEX TABLE a', 'locks', 'reindex'],
  ['VACUUM FULL a', 'locks', 'vacuum'],
  ['ALTER TABLE `a` CHANGE `b` `c` int', 'destructive', 'rename-column'],
  ['ALTER TABLE `a` MODIFY `b` bigint', 'cannot-tell', 'change-type'],
  ['RENAME TABLE a TO b', 'destructive', 'rename-table'],
  ["EXEC sp_rename 'a.b', 'c', 'COLUMN'", 'destructive', 'rename'],
  ['\\i other.sql', 'cannot-tell', 'unknown'],
  ['FROBNICATE a', 'cannot-tell', 'unknown'],
]

for (const [sql, kind, what] of CASES) {
  test(`${sql.slice(0, 60)} is ${kind}`, () => {
    const effect = judgeSql(`${sql};`).effects[0]
    assert.deepEqual([effect?.kind, effect?.what], [kind, what])
  })
}

test('several actions of one ALTER TABLE are told apart, each on its line', () => {
  const { effects, worst } = judgeSql(
    'ALTER TABLE a\n  ADD COLUMN b numeric(10, 2),\n  DROP COLUMN c,\n  ALTER d SET NOT NULL;',
  )
  assert.deepEqual(
    effects.map(({ what, part, line }) => [what, part, line]),
    [
      ['add-column', 'b', 2],
      ['drop-column', 'c', 3],
      ['set-not-null', 'd', 4],
    ],
  )
  assert.equal(worst, 'destructive')
})

test('what the same migration creates is nobody else’s yet', () => {
  assert.equal(
    judgeSql('CREATE TABLE a (b int); CREATE INDEX ON a (b); ALTER TABLE a ALTER b SET NOT NULL;').worst,
    'expand-safe',
  )
})

test('a table renamed behind a view of the old name still answers the running release', () => {
  assert.equal(judgeSql('ALTER TABLE a RENAME TO a2; CREATE VIEW a AS SELECT * FROM a2;').worst, 'expand-safe')
})

test('markers of a migration without a transaction are seen', () => {
  assert.equal(readSql('-- +goose NO TRANSACTION\nSELECT 1;').transactional, false)
  assert.equal(readSql('SELECT 1;').transactional, true)
})
