import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const migrationUndo: Rule = {
  id: 'migration-undo',
  question: 2,
  title: 'Where migrations come with a way back, every one has it',
  formats: ['sql'],
  severity: 'warn',
  reach: 2,
  harm: 'The rollback script stops at this migration, in the middle of an incident.',
  defaults: 'A missing down file is noticed when it is needed.',
  fix: 'Add the .down.sql file, or write in it that one only goes forward from here.',
  cites: 'playbook: is there a tested rollback procedure documented?',
  bad: {
    'migrations/001_a.up.sql': 'CREATE TABLE a (id int);',
    'migrations/001_a.down.sql': 'DROP TABLE a;',
    'migrations/002_b.up.sql': 'CREATE TABLE b (id int);',
  },
  good: { 'migrations/001_a.up.sql': 'CREATE TABLE a (id int);', 'migrations/001_a.down.sql': 'DROP TABLE a;' },
  *check(world): Iterable<Verdict> {
    const files = new Set(world.sources('sql').map((src) => src.file))
    if (![...files].some((file) => file.endsWith('.down.sql'))) return
    for (const file of files) {
      if (!file.endsWith('.up.sql')) continue
      const at = { file, line: 1, col: 1 }
      if (files.has(file.replace(/\.up\.sql$/, '.down.sql'))) yield pass(at)
      else yield fail(at, 'This migration has no .down.sql file, and the others have.')
    }
  },
}
