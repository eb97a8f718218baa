import { pendingMigrations } from '../pending.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const migrationLosesData: Rule = {
  id: 'migration-loses-data',
  question: 2,
  title: 'A migration does not empty a table',
  formats: ['sql', 'migration-code', 'liquibase'],
  severity: 'error',
  reach: 3,
  harm: 'What citizens have sent is gone, and no rollback brings it back.',
  defaults: 'TRUNCATE, and DELETE without WHERE, take every row.',
  fix: 'Copy the rows aside first, or delete in a reviewed one-off task with a backup whose restore was tried.',
  cites: 'playbook: check for database migration risks that could block rollback',
  bad: { 'migrations/012_clean.sql': 'TRUNCATE payment_attempt;\n' },
  good: { 'migrations/012_clean.sql': "DELETE FROM payment_attempt WHERE created_at < '2019-01-01';\n" },
  *check(world): Iterable<Verdict> {
    for (const migration of pendingMigrations(world)) {
      for (const effect of migration.effects) {
        if (effect.statement.direction === 'down') continue
        const at = { file: migration.src.file, line: effect.line, col: effect.col }
        const empties = (effect.what === 'truncate' || effect.what === 'delete-all') && effect.kind === 'destructive'
        if (empties && !/(^|_)(tmp|temp|cache|session|lock|staging|import)/i.test(effect.object))
          yield fail(at, effect.says)
        else if (/^(truncate|delete|update|insert)/.test(effect.what)) yield pass(at)
      }
    }
  },
}
