/** Liquibase changelogs in XML, YAML and JSON: their changes as SQL. Rollback parts and other databases' changes are left out. */
import { readJson } from './json.ts'
import { type Element, elementsWithin, readMarkup } from './markup.ts'
import { type CodeMigration, columnSql, type Operation, sqlName, sqlType } from './migration-code.ts'
import { child, fields, items, type Node, type Problem, type Source, text } from './node.ts'
import { readYaml } from './yaml.ts'

// A changelog keeps every change there ever was; older ones have been applied and can hurt nobody any more.
const NEWEST = 5

/** One change: its name, its settings, its columns and its text, wherever they were written. */
interface Change {
  readonly name: string
  readonly at: number
  setting(name: string): string
  readonly columns: readonly Column[]
  readonly text: string
}

interface Column {
  setting(name: string): string
  readonly required: boolean
  readonly unique: boolean
  readonly references: boolean
}

/** Never throws. */
export function readLiquibase(src: Source): CodeMigration {
  if (/\.xml$/i.test(src.file)) return fromXml(src)
  const isJson = /\.json$/i.test(src.file)
  const json = isJson ? readJson(src) : undefined
  const yaml = isJson ? undefined : readYaml(src)
  const root = json?.root ?? yaml?.documents[0]
  return fromNodes(root, json?.problems ?? yaml?.problems ?? [])
}

function fromXml(src: Source): CodeMigration {
  const { elements, comments, problems } = readMarkup(src, 'xml')
  const operations: Operation[] = []
  let transactional = true
  const said = [...comments]
  const sets = [...elementsWithin(elements)].filter((element) => element.name === 'changeSet')
  for (const set of sets.slice(-NEWEST)) {
    if (!isOurs(set.attributes.get('dbms')?.value)) continue
    if (set.attributes.get('runInTransaction')?.value === 'false') transactional = false
    said.push({
      text: `${set.attributes.get('id')?.value ?? ''} ${set.attributes.get('labels')?.value ?? ''}`,
      at: set.at,
    })
    for (const change of set.children) {
      if (change.name === 'comment') said.push({ text: change.text, at: change.at })
      operations.push(...operationsOf(xmlChange(change)))
    }
  }
  return { operations, transactional, comments: said, problems }
}

function xmlChange(element: Element): Change {
  return {
    name: element.name,
    at: element.at,
    setting: (name) => element.attributes.get(name)?.value ?? '',
    columns: element.children
      .filter((inner) => inner.name === 'column')
      .map((column) => {
        const constraints = column.children.find((inner) => inner.name === 'constraints')
        const of = (name: string) => constraints?.attributes.get(name)?.value
        return {
          setting: (name) => column.attributes.get(name)?.value ?? '',
          required: of('nullable') === 'false' || of('primaryKey') === 'true',
          unique: of('unique') === 'true',
          references: of('references') !== undefined || of('foreignKeyName') !== undefined,
        }
      }),
    text: element.text || (element.children.find((inner) => inner.name === 'sql')?.text ?? ''),
  }
}

function fromNodes(root: Node | undefined, problems: readonly Problem[]): CodeMigration {
  const operations: Operation[] = []
  const comments: { text: string; at: number }[] = []
  let transactional = true
  const sets = items(child(root, 'databaseChangeLog')).flatMap((entry) => child(entry, 'changeSet') ?? [])
  for (const set of sets.slice(-NEWEST)) {
    if (!isOurs(text(child(set, 'dbms')))) continue
    if (text(child(set, 'runInTransaction')) === 'false') transactional = false
    comments.push({ text: ['id', 'labels', 'comment'].map((key) => text(child(set, key)) ?? '').join(' '), at: set.at })
    for (const change of items(child(set, 'changes')))
      for (const [name, settings] of fields(change))
        operations.push(...operationsOf(nodeChange(name, settings, change.at)))
  }
  return { operations, transactional, comments, problems }
}

function nodeChange(name: string, settings: Node, at: number): Change {
  return {
    name,
    at,
    setting: (key) => text(child(settings, key)) ?? '',
    columns: items(child(settings, 'columns')).flatMap((item) => {
      const column = child(item, 'column')
      if (!column) return []
      const of = (key: string) => text(child(column, 'constraints', key))
      return [
        {
          setting: (key: string) => text(child(column, key)) ?? '',
          required: of('nullable') === 'false' || of('primaryKey') === 'true',
          unique: of('unique') === 'true',
          references: of('references') !== undefined || of('foreignKeyName') !== undefined,
        },
      ]
    }),
    text: text(settings) ?? text(child(settings, 'sql')) ?? '',
  }
}

function isOurs(dbms: string | undefined): boolean {
  return !dbms || /all|postgres/i.test(dbms)
}

function operationsOf(change: Change): readonly Operation[] {
  const at = { at: change.at, direction: 'up' as const }
  const make = Object.hasOwn(CHANGES, change.name) ? CHANGES[change.name] : undefined
  if (make) return make(change).map((sql) => ({ ...at, sql }))
  if (
    /^(comment|preConditions|rollback|tagDatabase|validCheckSum|output|empty|stop|property|setTableRemarks|setColumnRemarks|modifySql)$/.test(
      change.name,
    )
  )
    return []
  const what =
    change.name === 'sqlFile'
      ? `${change.setting('path') || 'a file'} is run`
      : `${change.name} is a change that we do not know`
  return [{ ...at, open: `${what}.`, needs: 'the SQL of this change ("liquibase update-sql")' }]
}

const table = (change: Change, name = 'tableName') => sqlName(change.setting(name))
const column = (change: Change, name = 'columnName') => sqlName(change.setting(name))
const list = (names: string) =>
  names
    .split(',')
    .map((name) => sqlName(name.trim()))
    .join(', ')
const hasDefault = (of: { setting(name: string): string }) =>
  [
    'defaultValue',
    'defaultValueNumeric',
    'defaultValueBoolean',
    'defaultValueComputed',
    'defaultValueDate',
    'defaultValueSequenceNext',
  ].some((name) => of.setting(name) !== '')

const CHANGES: Readonly<Record<string, (change: Change) => readonly string[]>> = {
  addColumn: (change) =>
    change.columns.map((one) => {
      const sql = columnSql({
        name: one.setting('name'),
        type: 'text',
        required: one.required,
        fallback: hasDefault(one) || one.setting('autoIncrement') === 'true',
        unique: one.unique,
        ...(one.references ? { references: 'x' } : {}),
      })
      return `ALTER TABLE ${table(change)} ADD COLUMN ${sql}`
    }),
  dropColumn: (change) => {
    const names = change.setting('columnName')
      ? [column(change)]
      : change.columns.map((one) => sqlName(one.setting('name')))
    return names.map((name) => `ALTER TABLE ${table(change)} DROP COLUMN ${name}`)
  },
  createTable: (change) => [`CREATE TABLE ${table(change)} (id bigint)`],
  dropTable: (change) => [`DROP TABLE ${table(change)}`],
  renameTable: (change) => [`ALTER TABLE ${table(change, 'oldTableName')} RENAME TO ${table(change, 'newTableName')}`],
  renameColumn: (change) => [
    `ALTER TABLE ${table(change)} RENAME COLUMN ${column(change, 'oldColumnName')} TO ${column(change, 'newColumnName')}`,
  ],
  modifyDataType: (change) => [
    `ALTER TABLE ${table(change)} ALTER COLUMN ${column(change)} TYPE ${sqlType(change.setting('newDataType'))}`,
  ],
  addNotNullConstraint: (change) => [`ALTER TABLE ${table(change)} ALTER COLUMN ${column(change)} SET NOT NULL`],
  dropNotNullConstraint: (change) => [`ALTER TABLE ${table(change)} ALTER COLUMN ${column(change)} DROP NOT NULL`],
  addDefaultValue: (change) => [`ALTER TABLE ${table(change)} ALTER COLUMN ${column(change)} SET DEFAULT ''`],
  dropDefaultValue: (change) => [`ALTER TABLE ${table(change)} ALTER COLUMN ${column(change)} DROP DEFAULT`],
  createIndex: (change) => [
    `CREATE ${change.setting('unique') === 'true' ? 'UNIQUE ' : ''}INDEX ${sqlName(change.setting('indexName') || 'ix')} ON ${table(change)} (x)`,
  ],
  dropIndex: (change) => [`DROP INDEX ${sqlName(change.setting('indexName') || 'ix')}`],
  addUniqueConstraint: (change) => [
    `ALTER TABLE ${table(change)} ADD CONSTRAINT u UNIQUE (${list(change.setting('columnNames'))})`,
  ],
  addPrimaryKey: (change) => [
    `ALTER TABLE ${table(change)} ADD CONSTRAINT p PRIMARY KEY (${list(change.setting('columnNames'))})`,
  ],
  addForeignKeyConstraint: (change) => [
    `ALTER TABLE ${table(change, 'baseTableName')} ADD CONSTRAINT f FOREIGN KEY (${list(change.setting('baseColumnNames'))}) REFERENCES ${table(change, 'referencedTableName')} (id)${change.setting('validate') === 'false' ? ' NOT VALID' : ''}`,
  ],
  dropForeignKeyConstraint: (change) => [`ALTER TABLE ${table(change, 'baseTableName')} DROP CONSTRAINT f`],
  dropUniqueConstraint: (change) => [`ALTER TABLE ${table(change)} DROP CONSTRAINT u`],
  dropPrimaryKey: (change) => [`ALTER TABLE ${table(change)} DROP CONSTRAINT p`],
  createView: (change) => [`CREATE VIEW ${table(change, 'viewName')} AS SELECT 1`],
  dropView: (change) => [`DROP VIEW ${table(change, 'viewName')}`],
  createSequence: () => ['CREATE SEQUENCE s'],
  dropSequence: (change) => [`DROP SEQUENCE ${sqlName(change.setting('sequenceName'))}`],
  insert: (change) => [`INSERT INTO ${table(change)} VALUES (1)`],
  loadData: (change) => [`INSERT INTO ${table(change)} VALUES (1)`],
  update: (change) => [`UPDATE ${table(change)} SET x = 1 WHERE true`],
  delete: (change) => [`DELETE FROM ${table(change)} WHERE true`],
  sql: (change) => [change.text || 'CALL unread()'],
}
