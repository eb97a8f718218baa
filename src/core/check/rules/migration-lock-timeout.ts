import { pendingMigrations } from '../pending.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const migrationLockTimeout: Rule = {
  id: 'migration-lock-timeout',
  question: 5,
  title: 'A schema change that cannot get its lock gives up instead of queueing everybody behind it',
  formats: ['sql', 'migration-code', 'liquibase'],
  severity: 'info',
  reach: 3,
  harm: 'While ALTER TABLE waits behind one long query, every other request to the table waits behind ALTER TABLE.',
  defaults: 'lock_timeout is 0: it waits for ever.',
  fix: "SET lock_timeout = '5s'; at the top, and try again when it gives up.",
  cites: 'PostgreSQL documentation: lock_timeout',
  bad: {
    'migrations/023_fk.sql':
      'ALTER TABLE application ADD CONSTRAINT f FOREIGN KEY (person_id) REFERENCES person (id);\n',
  },
  good: {
    'migrations/023_fk.sql':
      "SET lock_timeout = '5s';\nALTER TABLE application ADD CONSTRAINT f FOREIGN KEY (person_id) REFERENCES person (id) NOT VALID;\n",
  },
  *check(world): Iterable<Verdict> {
    for (const migration of pendingMigrations(world)) {
      // Only where a lock lasts or breaks something: a plain ADD COLUMN everywhere would be noise.
      const heavy = migration.effects.find(
        (effect) =>
          effect.statement.direction === 'up' &&
          /^(add-foreign-key|add-check|add-unique|set-not-null|change-type|drop-column|drop-table)$/.test(
            effect.what,
          ) &&
          effect.kind !== 'cannot-tell',
      )
      if (!heavy) continue
      const mysql = migration.src.text.includes('`')
      const at = { file: migration.src.file, line: heavy.line, col: heavy.col }
      if (/lock_timeout/i.test(migration.src.text)) yield pass(at)
      else if (heavy.kind === 'expand-safe' || mysql) continue
      else
        yield fail(at, `This statement waits for its lock on ${heavy.object} for ever, and everybody waits behind it.`)
    }
  },
}
