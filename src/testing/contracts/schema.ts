/** What everything that widens a service's schema promises. Statements are PostgreSQL's. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { MigrationFile, Schema } from '../../ports/schema.ts'

export interface SchemaWorld {
  /** Another engine's hand on the same database. */
  schema(): Schema
  /** Columns of a table, in order; empty when there is none. */
  columns(table: string): Promise<readonly string[]>
  /** Runs a statement as the service would. */
  run(sql: string): Promise<void>
  close(): Promise<void>
}

export function schemaContract(name: string, open: () => Promise<SchemaWorld>): void {
  describe(`schema contract: ${name}`, () => {
    let world: SchemaWorld
    let schema: Schema
    let epoch = 0
    let cases = 0
    before(async () => {
      world = await open()
      schema = world.schema()
    })
    after(async () => {
      await schema?.close()
      await world?.close()
    })

    const fresh = () => {
      const t = `t${++cases}`
      return { t, file: (n: number, sql: string): MigrationFile => ({ file: `${cases}_${n}_${t}.sql`, sql }) }
    }

    test('files are applied once, in the order of their names', async () => {
      const { t, file } = fresh()
      const second = file(2, `ALTER TABLE ${t} ADD COLUMN b text`)
      const first = file(1, `CREATE TABLE ${t} (a int)`)
      assert.deepEqual(await schema.pending([second, first]), [first, second])
      assert.deepEqual(await schema.expand([second, first], ++epoch), { ok: true, applied: [first.file, second.file] })
      assert.deepEqual(await world.columns(t), ['a', 'b'])
      assert.deepEqual(await schema.pending([second, first]), [])
      assert.deepEqual(await schema.expand([first, second], ++epoch), { ok: true, applied: [] })
    })

    test('nothing to apply is done', async () => {
      assert.deepEqual(await schema.expand([], ++epoch), { ok: true, applied: [] })
    })

    test('a file that fails is undone whole; those before it stay, those after it wait', async () => {
      const { t, file } = fresh()
      const files = [
        file(1, `CREATE TABLE ${t} (a int)`),
        file(2, `ALTER TABLE ${t} ADD COLUMN b text;\nALTER TABLE ${t} ADD COLUMN a int`),
        file(3, `ALTER TABLE ${t} ADD COLUMN c text`),
      ]
      const answer = await schema.expand(files, ++epoch)
      assert.ok('ok' in answer && !answer.ok)
      assert.equal(answer.file, files[1]!.file)
      assert.match(answer.why, /column "a" of relation .* already exists/)
      assert.deepEqual(answer.applied, [files[0]!.file])
      assert.deepEqual(await world.columns(t), ['a'])
      const mended = [files[0]!, file(2, `ALTER TABLE ${t} ADD COLUMN b text`), files[2]!]
      assert.deepEqual(await schema.expand(mended, ++epoch), { ok: true, applied: [mended[1]!.file, mended[2]!.file] })
    })

    test('a file that was changed after it was applied is an error, not a silence', async () => {
      const { t, file } = fresh()
      await schema.expand([file(1, `CREATE TABLE ${t} (a int)`)], ++epoch)
      const changed = file(1, `CREATE TABLE ${t} (a int, b int)`)
      assert.deepEqual(await schema.pending([changed]), [changed])
      const answer = await schema.expand([changed], ++epoch)
      assert.ok('ok' in answer && !answer.ok && /changed after it was applied/.test(answer.why))
      assert.deepEqual(await world.columns(t), ['a'])
    })

    test('a lower epoch is refused, also after the higher one found nothing to do', async () => {
      const { t, file } = fresh()
      const files = [file(1, `CREATE TABLE ${t} (a int)`)]
      await schema.expand(files, 100)
      epoch = 101
      await schema.expand(files, epoch)
      const late = world.schema()
      const answer = await late.expand([...files, file(2, `DROP TABLE ${t}`)], 100)
      assert.deepEqual(answer, { refused: true, epochSeen: 101 })
      await late.close()
      assert.deepEqual(await world.columns(t), ['a'])
    })

    test('two engines at once apply each file once', async () => {
      const { t, file } = fresh()
      const files = [1, 2, 3, 4].map((n) =>
        file(n, n === 1 ? `CREATE TABLE ${t} (c1 int)` : `ALTER TABLE ${t} ADD COLUMN c${n} int`),
      )
      const other = world.schema()
      epoch++
      const untilDone = async (engine: Schema) => {
        for (;;) {
          const answer = await engine.expand(files, epoch)
          if (!('unreachable' in answer)) return answer
        }
      }
      const answers = await Promise.all([untilDone(schema), untilDone(other)])
      await other.close()
      for (const answer of answers) assert.ok('ok' in answer && answer.ok)
      assert.deepEqual(await world.columns(t), ['c1', 'c2', 'c3', 'c4'])
    })

    test('an index made CONCURRENTLY stands alone; beside others it is turned away', async () => {
      const { t, file } = fresh()
      const table = file(1, `CREATE TABLE ${t} (a int)`)
      const index = file(2, `CREATE INDEX CONCURRENTLY ${t}_a ON ${t} (a)`)
      assert.deepEqual(await schema.expand([table, index], ++epoch), { ok: true, applied: [table.file, index.file] })
      assert.deepEqual(await schema.expand([table, index], ++epoch), { ok: true, applied: [] })
      const mixed = file(3, `ALTER TABLE ${t} ADD b int; CREATE INDEX CONCURRENTLY ${t}_b ON ${t} (b)`)
      const answer = await schema.expand([mixed], ++epoch)
      assert.ok('ok' in answer && !answer.ok && /alone/.test(answer.why))
      assert.deepEqual(await world.columns(t), ['a'])
    })

    test('an index whose building failed leaves nothing half built, and is built when the cause is gone', async () => {
      const { t, file } = fresh()
      const table = file(1, `CREATE TABLE ${t} (a int)`)
      await schema.expand([table], ++epoch)
      await world.run(`INSERT INTO ${t} VALUES (1), (1)`)
      const index = file(2, `CREATE UNIQUE INDEX CONCURRENTLY ${t}_once ON ${t} (a)`)
      const failed = await schema.expand([index], ++epoch)
      assert.ok('ok' in failed && !failed.ok && /could not create unique index/.test(failed.why))
      assert.ok(!/Key \(a\)/.test(failed.why), 'no values of rows in what we say')
      await world.run(`DELETE FROM ${t}`)
      assert.deepEqual(await schema.expand([index], ++epoch), { ok: true, applied: [index.file] })
    })

    test('a file that ends the transaction by itself, or breaks off, is turned away untouched', async () => {
      const { t, file } = fresh()
      for (const sql of [`CREATE TABLE ${t} (a int); COMMIT; SELECT 1`, `CREATE TABLE ${t} (a int); SELECT '`]) {
        const answer = await schema.expand([file(1, sql)], ++epoch)
        assert.ok('ok' in answer && !answer.ok)
      }
      assert.deepEqual(await world.columns(t), [])
    })

    const order = (files: readonly MigrationFile[]) => ({
      files,
      batch: 3,
      pauseMs: 0,
      lagMsMax: 10_000,
      activeMax: 10_000,
      callMs: 0,
    })

    test('old data is copied batch by batch, counted with each, and goes on where a call stopped', async () => {
      const { t, file } = fresh()
      await schema.expand([file(1, `CREATE TABLE ${t} (id int primary key, old text, new text)`)], ++epoch)
      await world.run(`INSERT INTO ${t} SELECT n, 'v' || n FROM generate_series(1, 8) n`)
      const copy = file(
        2,
        `UPDATE ${t} SET new = old WHERE id IN (SELECT id FROM ${t} WHERE new IS NULL ORDER BY id LIMIT :batch)`,
      )
      const seen: unknown[] = []
      for (let calls = 0; calls < 10; calls++) {
        // Each call by another hand, as after a kill.
        const other = world.schema()
        const answer = await other.backfill(order([copy]), ++epoch)
        await other.close()
        assert.ok('ok' in answer && answer.ok, JSON.stringify(answer))
        seen.push([answer.rows, answer.batches, answer.done])
        if (answer.done) break
      }
      assert.deepEqual(seen, [
        [3, 1, false],
        [6, 2, false],
        [8, 3, false],
        [8, 3, true],
      ])
      assert.deepEqual(await schema.pending([copy]), [], 'and it is applied')
      const again = await schema.backfill(order([copy]), epoch)
      assert.deepEqual(again, { ok: true, done: true, files: 1, rows: 8, batches: 3 })
    })

    test('what would change every row at once, or is no single statement, is not run; a lower epoch copies nothing', async () => {
      const { t, file } = fresh()
      await schema.expand([file(1, `CREATE TABLE ${t} (a int)`)], ++epoch)
      await world.run(`INSERT INTO ${t} VALUES (1)`)
      const cases: [string, RegExp][] = [
        [`UPDATE ${t} SET a = 2`, /:batch/],
        [`UPDATE ${t} SET a = 2 WHERE a < :batch; DROP TABLE ${t}`, /2 statements/],
        [`DROP TABLE ${t} -- :batch`, /begins with DROP/],
        [`UPDATE ${t} SET b = :batch`, /column "b"/],
      ]
      for (const [sql, why] of cases) {
        const answer = await schema.backfill(order([file(2, sql)]), ++epoch)
        assert.ok('ok' in answer && !answer.ok, sql)
        assert.match(answer.why, why)
      }
      await schema.expand([file(4, `ALTER TABLE ${t} ADD COLUMN c int`)], ++epoch)
      const refused = await schema.backfill(order([file(3, `UPDATE ${t} SET a = 3 WHERE a < :batch`)]), epoch - 1)
      assert.deepEqual(refused, { refused: true, epochSeen: epoch })
      assert.deepEqual(await world.columns(t), ['a', 'c'])
    })

    test('a backfill waits while more is at work than it may stand beside', async () => {
      const { t, file } = fresh()
      await schema.expand([file(1, `CREATE TABLE ${t} (a int)`)], ++epoch)
      const copy = file(2, `UPDATE ${t} SET a = 1 WHERE a IS NULL AND :batch > 0`)
      const answer = await schema.backfill({ ...order([copy]), activeMax: 0 }, ++epoch)
      assert.ok('ok' in answer && answer.ok && !answer.done && answer.waits)
    })

    test('a file that breaks a statement in use is undone; one that was broken before blames nobody', async () => {
      const { t, file } = fresh()
      await schema.expand([file(1, `CREATE TABLE ${t} (a int, b text)`)], ++epoch)
      const queries = [
        { name: 'read', sql: `SELECT a, b FROM ${t} WHERE a = $1;` },
        { name: 'not ours', sql: 'SELECT * FROM nobody_made_this' },
      ]
      assert.deepEqual(await schema.prepare(queries), {
        ok: true,
        good: 1,
        broken: [{ name: 'not ours', why: 'relation "nobody_made_this" does not exist' }],
      })
      const drop = file(2, `ALTER TABLE ${t} DROP COLUMN b`)
      const answer = await schema.expand([drop], ++epoch, queries)
      assert.ok('ok' in answer && !answer.ok)
      assert.match(answer.why, /would break a query that is in use: read .*column "b" does not exist/)
      assert.deepEqual(await world.columns(t), ['a', 'b'])
      const next = [{ name: 'read', sql: `SELECT a FROM ${t}` }]
      const told = { checked: 1, cannotTell: ['not ours'] }
      const both = [...next, queries[1]!]
      assert.deepEqual(await schema.expand([drop], ++epoch, both), { ok: true, applied: [drop.file], ...told })
      assert.deepEqual(await world.columns(t), ['a'])
    })

    test('only the way up of a file with a way back is applied', async () => {
      const { t, file } = fresh()
      const sql = `-- +goose Up\nCREATE TABLE ${t} (a int);\n-- +goose Down\nDROP TABLE ${t};`
      await schema.expand([file(1, sql)], ++epoch)
      assert.deepEqual(await world.columns(t), ['a'])
    })
  })
}
