import { pendingMigrations } from '../pending.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const migrationLocks: Rule = {
  id: 'migration-locks',
  question: 5,
  title: 'Citizens do not wait while a table is read or rewritten',
  formats: ['sql', 'migration-code', 'liquibase'],
  severity: 'warn',
  reach: 3,
  harm: 'Every citizen whose request touches the table waits until the statement ends, which grows with the number of rows.',
  defaults:
    'CREATE INDEX stops writes; ADD CONSTRAINT reads every row under a lock; a volatile default rewrites the table.',
  fix: 'CREATE INDEX CONCURRENTLY outside a transaction; ADD … NOT VALID, then VALIDATE CONSTRAINT; add the column first and its value later.',
  cites: 'PostgreSQL documentation: ALTER TABLE, CREATE INDEX, explicit locking',
  bad: { 'migrations/020_index.sql': 'CREATE INDEX application_postcode ON application (postcode);\n' },
  good: { 'migrations/020_index.sql': 'CREATE INDEX CONCURRENTLY application_postcode ON application (postcode);\n' },
  *check(world): Iterable<Verdict> {
    for (const migration of pendingMigrations(world)) {
      for (const effect of migration.effects) {
        if (effect.statement.direction === 'down') continue
        const at = { file: migration.src.file, line: effect.line, col: effect.col }
        if (effect.kind !== 'locks' || effect.what === 'update-all') {
          if (/index|constraint|check|foreign-key|unique|add-column/.test(effect.what)) yield pass(at)
          continue
        }
        // Dropping an index or locking for a moment is short once the lock is got; the wait for it is another rule's.
        const brief = effect.what === 'drop-index'
        yield fail(at, effect.says, brief ? { severity: 'info' } : {})
      }
    }
  },
}
