/** The statement of a backfill: repeated with a number of rows where `:batch` stands, until it touches no row any more. */
import { judgeSql } from '../check/formats/sql-effects.ts'
import { plural } from '../words.ts'

/** The statement of a .migrate.sql file with the number of rows in it, or why it is none that can be run in batches. */
export function batchStatement(
  { file, sql }: { readonly file: string; readonly sql: string },
  batch: number,
): { readonly text: string } | { readonly why: string } {
  const { text, marks } = withBatch(sql, batch)
  if (marks === 0) return { why: `${file} does not say :batch, so it would change every row in one transaction.` }
  const { file: read } = judgeSql(text)
  if (read.problem) return { why: `${file}, line ${read.problem.line}: ${read.problem.says}` }
  const up = read.statements.filter(({ direction }) => direction === 'up')
  const [only] = up
  if (!only || up.length > 1)
    return {
      why: `${file} has ${plural(up.length, 'statement')}; a backfill is one, repeated until it touches no row.`,
    }
  const word = only.tokens[0]?.key ?? ''
  if (!['UPDATE', 'INSERT', 'DELETE', 'WITH', 'MERGE'].includes(word))
    return { why: `${file} changes no rows: it begins with ${word}.` }
  return { text: text.slice(only.offset, only.end) }
}

function withBatch(sql: string, batch: number): { text: string; marks: number } {
  let marks = 0
  const text = sql.replace(/(?<![:\w]):batch\b/g, () => {
    marks++
    return String(batch)
  })
  return { text, marks }
}
