/**
 * Which migrations still have to run in production, and whether the release that runs there survives them. Migrations that the
 * last release contained have been applied; without that knowledge the newest few of each folder stand for what is to come, since
 * an old one can hurt nobody any more.
 */
import { bare, type Effect } from './formats/sql-effect.ts'
import type { CodeUse, Tree } from './tree.ts'
import type { JudgedMigration, World } from './world.ts'

/** How many of a folder's newest migrations count as still to run when no release says otherwise. */
export const NEWEST = 5

// Half a dozen rules ask for the same; a world never changes.
const known = new WeakMap<World, readonly JudgedMigration[]>()

export function pendingMigrations(world: World): readonly JudgedMigration[] {
  const before = known.get(world)
  if (before) return before
  const pending = pendingOf(world)
  known.set(world, pending)
  return pending
}

function pendingOf(world: World): readonly JudgedMigration[] {
  const applied = new Set(world.tree.uses?.applied ?? [])
  const folders = new Map<string, JudgedMigration[]>()
  for (const migration of world.migrations) {
    const { file } = migration.src
    if (applied.has(file) || isUndo(file)) continue
    const folder = folderOf(file)
    const list = folders.get(folder)
    if (list) list.push(migration)
    else folders.set(folder, [migration])
  }
  const isReleaseKnown = world.tree.uses?.release !== undefined
  return [...folders.values()].flatMap((list) => {
    const ordered = list.sort((a, b) => order(a.src.file, b.src.file))
    return isReleaseKnown ? ordered : ordered.slice(-NEWEST)
  })
}

/** Undo scripts run only on the way back. */
export function isUndo(file: string): boolean {
  return /\.down\.sql$|(^|\/)U\d[^/]*\.sql$|(^|\/)(down|undo|rollback)s?(\/|\.sql$)|_(down|undo|rollback)\.sql$/i.test(
    file,
  )
}

/** Prisma keeps each migration in a folder of its own. */
function folderOf(file: string): string {
  const folder = file.slice(0, file.lastIndexOf('/') + 1)
  return /\/migration\.sql$/.test(file) ? folder.replace(/[^/]+\/$/, '') : folder
}

let byNumber: Intl.Collator | undefined

function order(a: string, b: string): number {
  // Made once, and not before it is needed: localeCompare makes one for each comparison.
  byNumber ??= new Intl.Collator('en', { numeric: true })
  return byNumber.compare(a, b)
}

/** Names that a team has already set aside, and files that say they are the last step of expand, migrate, contract. */
const SET_ASIDE =
  /deprecated|obsolete|unused|legacy|(^|_)old(_|$)|(^|_)(bak|backup|tmp|temp)(_|$)|to_be_(dropped|removed)|(^|_)zz/i

export function isContract(migration: JudgedMigration, effect: Effect): boolean {
  if (SET_ASIDE.test(`${bare(effect.object)}`) || (effect.part && SET_ASIDE.test(effect.part))) return true
  if (/(^|[/_.-])contract([/_.-]|$)/i.test(migration.src.file)) return true
  return migration.file.comments.some((comment) =>
    /\bcontract (?:phase|step)\b|holdfast:\s*contract\b/i.test(comment.text),
  )
}

/** The names that somebody should look up in the code of the running release, for the pending migrations of a tree. */
export function namesToSearch(world: World): readonly { readonly table: string; readonly word: string }[] {
  const names = pendingMigrations(world).flatMap((migration) =>
    migration.effects.filter(takesAway).map((effect) => ({ table: bare(effect.object), word: wordOf(effect) })),
  )
  return [...new Map(names.map((name) => [`${name.table}.${name.word}`, name])).values()]
    .filter(({ word }) => /^\w{2,80}$/.test(word))
    .slice(0, 100)
}

export function takesAway(effect: Effect): boolean {
  return (
    effect.statement.direction === 'up' &&
    effect.kind === 'destructive' &&
    /^(drop-(column|table|view|type|function)|rename-(column|table|part|view|type))$/.test(effect.what)
  )
}

export function wordOf(effect: Effect): string {
  return bare(effect.part ?? effect.object)
}

// A line that maps a name to the database, or holds SQL; a bare word elsewhere may mean anything.
const MAPPED =
  /@(?:Table|Column|JoinColumn)|db_column|db_table|__tablename__|\bColumn\(|\b(?:SELECT|INSERT|UPDATE|DELETE|FROM|JOIN|WHERE|SET|RETURNING|ORDER BY)\b|\bself\.table_name|\bfield\(|@@?map\(|knex\(|\.(?:select|where|from|insert|update|orderBy)\(/

export function usesOf(
  tree: Tree,
  effect: Effect,
): { readonly mapped: readonly CodeUse[]; readonly bare: readonly CodeUse[] } {
  const word = wordOf(effect)
  const table = bare(effect.object)
  const all = (tree.uses?.uses ?? []).filter((use) => use.word === word)
  // A column's name means this column only in a file that names the table too.
  const withTable = new Set((tree.uses?.uses ?? []).filter((use) => use.word === table).map((use) => use.file))
  const near =
    effect.part === undefined
      ? all
      : all.filter(
          (use) =>
            withTable.has(use.file) ||
            new RegExp(`\\b${escaped(table.replace(/s$/, ''))}`, 'i').test(`${use.file} ${use.text}`),
        )
  return { mapped: near.filter((use) => MAPPED.test(use.text)), bare: near.filter((use) => !MAPPED.test(use.text)) }
}

function escaped(word: string): string {
  return word.replace(/[^\w]/g, '\\$&')
}
