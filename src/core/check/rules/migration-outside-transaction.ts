import { pendingMigrations } from '../pending.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const migrationOutsideTransaction: Rule = {
  id: 'migration-outside-transaction',
  question: 3,
  title: 'What PostgreSQL refuses inside a transaction is not put inside one',
  formats: ['sql', 'migration-code', 'liquibase'],
  severity: 'error',
  reach: 2,
  harm: 'The migration fails half-way through the deployment, with the new release waiting for a schema that is not there.',
  defaults:
    'goose, dbmate, sql-migrate, Rails, Alembic, Django, Knex and Liquibase wrap each file in a transaction unless it says otherwise.',
  fix: 'Mark the file as running without a transaction (-- +goose NO TRANSACTION, -- migrate:up transaction:false, executeInTransaction=false).',
  cites: 'PostgreSQL documentation: CREATE INDEX CONCURRENTLY cannot run inside a transaction block',
  bad: { 'migrations/022_index.sql': 'BEGIN;\nCREATE INDEX CONCURRENTLY a ON application (postcode);\nCOMMIT;\n' },
  good: {
    'migrations/022_index.sql':
      '-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY a ON application (postcode);\n',
  },
  *check(world): Iterable<Verdict> {
    for (const migration of pendingMigrations(world)) {
      // Rails, Alembic, Django, Knex, TypeORM and Liquibase open a transaction by themselves.
      const wrapped =
        !migration.src.file.endsWith('.sql') ||
        migration.file.comments.some(({ text }) => /\+goose\s+up|migrate:up|\+migrate\s+up/i.test(text))
      let open = false
      for (const effect of migration.effects) {
        const word = effect.statement.tokens[0]?.key
        if (word === 'BEGIN' || word === 'START') open = true
        if (word === 'COMMIT' || word === 'END' || word === 'ROLLBACK') open = false
        if (!effect.outsideTransaction || effect.statement.direction === 'down') continue
        const at = { file: migration.src.file, line: effect.line, col: effect.col }
        if (open) yield fail(at, 'PostgreSQL refuses this statement between BEGIN and COMMIT.')
        else if (wrapped && migration.file.transactional)
          yield fail(
            at,
            'The migration tool runs this file inside a transaction, where PostgreSQL refuses the statement.',
          )
        else yield pass(at)
      }
    }
  },
}
