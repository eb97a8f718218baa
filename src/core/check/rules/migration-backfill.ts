import { pendingMigrations } from '../pending.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const migrationBackfill: Rule = {
  id: 'migration-backfill',
  question: 5,
  title: 'Filling a column goes in batches',
  formats: ['sql', 'migration-code', 'liquibase'],
  severity: 'warn',
  reach: 3,
  harm: 'Each row stays locked until the last one is changed, so saving an application waits or fails meanwhile.',
  defaults: 'UPDATE without WHERE changes every row in one transaction.',
  fix: 'Update some thousand rows at a time, each batch in a transaction of its own, as a step apart from the schema change.',
  cites: 'PostgreSQL documentation: explicit locking, row-level locks',
  bad: { 'migrations/021_fill.sql': "UPDATE application SET channel = 'web';\n" },
  good: {
    'migrations/021_fill.sql':
      "UPDATE application SET channel = 'web' WHERE id BETWEEN 1 AND 5000 AND channel IS NULL;\n",
  },
  *check(world): Iterable<Verdict> {
    for (const migration of pendingMigrations(world)) {
      for (const effect of migration.effects) {
        if (effect.statement.direction === 'down' || !effect.what.startsWith('update')) continue
        const at = { file: migration.src.file, line: effect.line, col: effect.col }
        if (effect.what === 'update-all' && effect.kind === 'locks') yield fail(at, effect.says)
        else yield pass(at)
      }
    }
  },
}
