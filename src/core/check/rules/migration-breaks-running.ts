import type { Effect } from '../formats/sql-effect.ts'
import { isContract, pendingMigrations, takesAway, usesOf } from '../pending.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { JudgedMigration, World } from '../world.ts'

export const migrationBreaksRunning: Rule = {
  id: 'migration-breaks-running',
  question: 3,
  title: 'The release that is running works on the new schema, and so does a rollback',
  formats: ['sql', 'migration-code', 'liquibase'],
  severity: 'error',
  reach: 3,
  harm: 'From the moment the migration runs until the last old copy is gone, citizens’ requests fail; and after it the old release cannot come back.',
  defaults: 'A migration runs before or while the old release still serves.',
  fix: 'Expand, migrate, contract: add the new beside the old, move code and data over, and take the old away in a later release when going back past it is no longer wanted.',
  cites: 'playbook: are database changes backwards-compatible?',
  bad: { 'db/migrations/V7__rename.sql': 'ALTER TABLE application RENAME COLUMN postcode TO address_postcode;\n' },
  good: { 'db/migrations/V7__add.sql': 'ALTER TABLE application ADD COLUMN address_postcode text;\n' },
  *check(world): Iterable<Verdict> {
    for (const migration of pendingMigrations(world)) {
      for (const effect of migration.effects) {
        if (effect.statement.direction === 'down' || effect.what === 'truncate' || effect.what === 'delete-all')
          continue
        yield judge(world, migration, effect)
      }
    }
  },
}

function judge(world: World, migration: JudgedMigration, effect: Effect): Verdict {
  const at = { file: migration.src.file, line: effect.line, col: effect.col }
  if (effect.kind === 'cannot-tell') return cannotTell(at, effect.says, effect.needs ?? 'a person who knows the schema')
  if (effect.kind !== 'destructive') return pass(at)
  const { uses } = world.tree
  if (takesAway(effect) && uses?.searched) {
    const found = usesOf(world.tree, effect)
    const where = uses.release ? `release ${uses.release}` : 'the code'
    const [use] = found.mapped
    if (use) return fail(at, `${effect.says} In ${where}, ${use.file}:${use.line} uses it.`)
    if (found.bare.length > 0 && isContract(migration, effect)) return pass(at)
    if (found.bare.length > 0)
      return cannotTell(
        at,
        `${effect.says} The word stands in ${found.bare[0]!.file}:${found.bare[0]!.line} and may mean something else.`,
        `whether ${where} still uses it there`,
      )
    if (uses.release || isContract(migration, effect)) return pass(at)
    return cannotTell(
      at,
      `${effect.says} The code at hand does not use it.`,
      'the commit of the release that is running (tag your releases)',
    )
  }
  return isContract(migration, effect) ? pass(at) : fail(at, effect.says)
}
