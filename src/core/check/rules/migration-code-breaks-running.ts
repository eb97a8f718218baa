import { NEWEST } from '../pending.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

// Operations of Rails, Alembic, Django and Knex that take something away from the running release.
const TAKES =
  /\b(?:remove_columns?|rename_column|rename_table|drop_table|change_column_null|remove_reference)\b|\bop\.(?:drop_column|drop_table|rename_table)\b|\bmigrations\.(?:RemoveField|RenameField|DeleteModel|RenameModel)\b|\.(?:dropColumns?|dropTable|dropTableIfExists|renameColumn|renameTable)\s*\(/

export const migrationCodeBreaksRunning: Rule = {
  id: 'migration-code-breaks-running',
  question: 3,
  title: 'A migration in code takes nothing away from the running release',
  formats: ['migration-code'],
  severity: 'error',
  reach: 3,
  harm: 'While the old release still serves, its requests fail on what was taken away; and it cannot come back.',
  defaults: 'Frameworks run the migration before or while the old release still serves.',
  fix: 'Expand, migrate, contract: stop using it in one release, take it away in a later one and say so ("contract phase").',
  cites: 'playbook: are database changes backwards-compatible?',
  bad: {
    'db/migrate/20260101120000_remove_fax.rb':
      'class RemoveFax < ActiveRecord::Migration[7.1]\n  def change\n    remove_column :people, :fax, :string\n  end\nend\n',
  },
  good: {
    'db/migrate/20260101120000_add_mobile.rb':
      'class AddMobile < ActiveRecord::Migration[7.1]\n  def change\n    add_column :people, :mobile, :string\n  end\nend\n',
  },
  *check(world): Iterable<Verdict> {
    const folders = new Map<string, typeof sources>()
    const sources = world.sources('migration-code')
    for (const src of sources) {
      const folder = src.file.slice(0, src.file.lastIndexOf('/'))
      folders.set(folder, [...(folders.get(folder) ?? []), src])
    }
    for (const src of [...folders.values()].flatMap((list) => list.slice(-NEWEST))) {
      let down = false
      let found = false
      for (const [index, line] of src.text.split('\n', 5_000).entries()) {
        if (
          /^\s*(def\s+down|def\s+downgrade|exports\.down|export\s+(async\s+)?function\s+down|async\s+down\()/.test(line)
        )
          down = true
        if (
          /^\s*(def\s+up|def\s+upgrade|def\s+change|exports\.up|export\s+(async\s+)?function\s+up|async\s+up\()/.test(
            line,
          )
        )
          down = false
        const match = down || /^\s*(#|\/\/)/.test(line) ? null : TAKES.exec(line)
        if (!match) continue
        found = true
        const at = { file: src.file, line: index + 1, col: match.index + 1 }
        if (/contract (?:phase|step)|deprecated|unused|obsolete/i.test(`${src.text.slice(0, 600)}${line}`))
          yield pass(at)
        else yield fail(at, `"${line.trim().slice(0, 80)}" takes away what the running release may still use.`)
      }
      if (!found) yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}
