/**
 * Reads SQL migrations into statements with positions. PostgreSQL's lexical rules first (dollar quotes, nested comments,
 * E'' strings), with MySQL's backticks and SQL Server's brackets tolerated. What a statement does to a running release
 * is decided in sql-effects.ts.
 */
import { type Lines, linesOf, type Place } from './position.ts'

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'mark'

/** `text` is the value: a word as written, a quoted name or string without its quotes. */
export interface Token {
  readonly kind: TokenKind
  readonly text: string
  /** Upper case for words (keywords compare with it); '' for quoted names and strings, which are never keywords. */
  readonly key: string
  readonly offset: number
}

export interface SqlStatement extends Place {
  readonly tokens: readonly Token[]
  readonly offset: number
  readonly end: number
  /** Statements below a "down" marker (goose, dbmate, MyBatis, sql-migrate) undo the migration. */
  readonly direction: 'up' | 'down'
}

export interface SqlComment extends Place {
  readonly text: string
}

export interface SqlFile {
  readonly statements: readonly SqlStatement[]
  readonly comments: readonly SqlComment[]
  /** False when a marker in the file asks its tool not to open a transaction around it. */
  readonly transactional: boolean
  /** What kept us from reading all of it: an unclosed quote, or a size limit. */
  readonly problem?: { readonly says: string } & Place
  readonly lines: Lines
}

/** Longer files are read up to here, with a problem. Migrations are code; dumps are not read. */
export const SQL_BYTES_MAX = 4_000_000
const TOKENS_MAX = 400_000

// goose, dbmate, sql-migrate and MyBatis, in this order.
const DOWN = /^\s*(?:\+goose\s+down|migrate:down|\+migrate\s+down|\/\/\s*@undo)\b/i
const UP = /^\s*(?:\+goose\s+up|migrate:up|\+migrate\s+up)\b/i
// goose, dbmate, sql-migrate, Liquibase, Flyway, Atlas, and ours.
const NO_TRANSACTION =
  /\+goose\s+no\s+transaction|transaction:\s*false|\bnotransaction\b|runInTransaction:\s*false|executeInTransaction\s*=\s*false|atlas:txmode\s+none|holdfast:\s*no-transaction/i

/** Never throws: what cannot be read becomes `problem`, and the statements before it stand. */
export function readSql(source: string): SqlFile {
  const cut = source.length > SQL_BYTES_MAX
  const text = cut ? source.slice(0, SQL_BYTES_MAX) : source
  const lines = linesOf(text)
  const scan = new Scanner(text, lines)
  scan.run()
  const problem =
    scan.problem ??
    (cut ? { says: 'The file is longer than 4 MB; the rest was not read.', at: text.length } : undefined)
  return {
    statements: scan.statements,
    comments: scan.comments,
    transactional: !scan.comments.some((comment) => NO_TRANSACTION.test(comment.text)),
    lines,
    ...(problem ? { problem: { says: problem.says, ...lines.placeOf(problem.at) } } : {}),
  }
}

class Scanner {
  readonly statements: SqlStatement[] = []
  readonly comments: SqlComment[] = []
  problem: { says: string; at: number } | undefined
  private readonly text: string
  private readonly lines: Lines
  private at = 0
  private tokens: Token[] = []
  private total = 0
  private direction: 'up' | 'down' = 'up'
  /** Depth of BEGIN ATOMIC … END, the body of a SQL-standard function: its semicolons end nothing. */
  private atomic = 0

  constructor(text: string, lines: Lines) {
    this.text = text
    this.lines = lines
  }

  run(): undefined {
    if (this.text.charCodeAt(0) === 0xfeff) this.at = 1
    while (this.at < this.text.length && !this.problem) {
      if (this.total > TOKENS_MAX) {
        this.problem = { says: 'The file has more than 400,000 words; the rest was not read.', at: this.at }
        break
      }
      this.step()
    }
    this.endStatement(this.at)
  }

  private step(): undefined {
    const { text, at } = this
    const char = text[at]!
    const next = text[at + 1]
    if (char <= ' ' || char === '\u00a0') this.at++
    else if (char === '-' && next === '-') this.lineComment(2)
    else if (char === '#' && this.atLineStart()) this.lineComment(1)
    else if (char === '/' && next === '*') this.blockComment()
    else if (char === "'") this.string(at, this.escapes(at))
    else if (char === '"') this.quoted('"', '"')
    else if (char === '`') this.quoted('`', '`')
    else if (char === '[' && /[A-Za-z_]/.test(next ?? '') && this.bracketName()) this.quoted('[', ']')
    else if (char === '$') this.dollar()
    else if (char === '\\' && this.atLineStart()) this.metaCommand()
    else if (char === ';') this.semicolon()
    else if (isWordStart(char)) this.word()
    else if (char >= '0' && char <= '9') this.number()
    else this.push('mark', char, char, at, at + 1)
  }

  private push(kind: TokenKind, text: string, key: string, offset: number, end: number): undefined {
    this.tokens.push({ kind, text, key, offset })
    this.total++
    this.at = end
  }

  private semicolon(): undefined {
    this.at++
    if (this.atomic > 0) return
    this.endStatement(this.at)
  }

  private endStatement(end: number): undefined {
    const first = this.tokens[0]
    if (first) {
      const place = this.lines.placeOf(first.offset)
      this.statements.push({ tokens: this.tokens, offset: first.offset, end, direction: this.direction, ...place })
      // COPY … FROM stdin is followed by data up to a line with only "\.".
      if (first.key === 'COPY' && this.tokens.some((token) => token.key === 'STDIN')) this.skipCopyData()
    }
    this.tokens = []
    this.atomic = 0
  }

  private skipCopyData(): undefined {
    const end = this.text.indexOf('\n\\.', this.at)
    this.at = end < 0 ? this.text.length : end + 3
  }

  private word(): undefined {
    const { text } = this
    let end = this.at + 1
    while (end < text.length && isWordPart(text[end]!)) end++
    const word = text.slice(this.at, end)
    const key = word.toUpperCase()
    // T-SQL's batch separator stands alone on its line.
    if (key === 'GO' && this.atLineStart() && /^[ \t]*(?:\r?\n|$)/.test(text.slice(end, end + 20))) {
      this.at = end
      this.endStatement(end)
      return
    }
    const before = this.tokens.at(-1)
    if (key === 'ATOMIC' && before?.key === 'BEGIN') this.atomic = 1
    else if (this.atomic > 0 && key === 'CASE') this.atomic++
    else if (this.atomic > 0 && key === 'END') this.atomic--
    this.push('word', word, key, this.at, end)
  }

  private number(): undefined {
    let end = this.at + 1
    while (end < this.text.length && /[0-9A-Za-z_.]/.test(this.text[end]!)) end++
    const number = this.text.slice(this.at, end)
    this.push('number', number, number, this.at, end)
  }

  private quoted(open: string, close: string): undefined {
    const from = this.at
    let at = from + 1
    let name = ''
    for (;;) {
      const end = this.text.indexOf(close, at)
      if (end < 0) return this.unclosed(from, `The name opened with ${open} is never closed.`)
      name += this.text.slice(at, end)
      if (this.text[end + 1] !== close || open === '[') return this.push('quoted', name, '', from, end + 1)
      name += close
      at = end + 2
    }
  }

  /** `[name]` is a quoted name only when something closes it on the same line; else it is an array subscript. */
  private bracketName(): boolean {
    const before = this.text[this.at - 1] ?? ' '
    return (
      !isWordPart(before) &&
      before !== ']' &&
      before !== ')' &&
      /^\[[A-Za-z_][\w $]{0,126}\]/.test(this.text.slice(this.at, this.at + 130))
    )
  }

  /** E'' strings, and strings in files that are plainly MySQL, take backslash escapes. */
  private escapes(at: number): boolean {
    const before = this.text[at - 1]
    if ((before === 'e' || before === 'E') && !isWordPart(this.text[at - 2] ?? ' ')) {
      const last = this.tokens.at(-1)
      if (last && last.offset === at - 1) this.tokens.pop()
      return true
    }
    return false
  }

  private string(from: number, escapes: boolean): undefined {
    const { text } = this
    let at = from + 1
    for (;;) {
      const end = text.indexOf("'", at)
      if (end < 0) return this.unclosed(from, 'The string is never closed.')
      if (escapes && oddBackslashes(text, end)) at = end + 1
      else if (text[end + 1] === "'") at = end + 2
      else return this.push('string', text.slice(from + 1, end), '', from, end + 1)
    }
  }

  private dollar(): undefined {
    const tag = /^\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]{0,63})?\$/.exec(
      this.text.slice(this.at, this.at + 70),
    )?.[0]
    const from = this.at
    if (!tag) {
      // $1, or a placeholder such as ${schema}: one name, so that the statement around it still reads.
      const name = /^\$(?:\{[^}\n]{0,80}\}|\d+)/.exec(this.text.slice(from, from + 90))?.[0] ?? '$'
      return this.push(name === '$' ? 'mark' : 'quoted', name, '', from, from + name.length)
    }
    const end = this.text.indexOf(tag, from + tag.length)
    if (end < 0) return this.unclosed(from, `The text opened with ${tag} is never closed.`)
    this.push('string', this.text.slice(from + tag.length, end), '', from, end + tag.length)
  }

  private lineComment(skip: number): undefined {
    const from = this.at
    const feed = this.text.indexOf('\n', from)
    const end = feed < 0 ? this.text.length : feed
    this.comment(this.text.slice(from + skip, end), from)
    this.at = end
  }

  private blockComment(): undefined {
    const from = this.at
    let depth = 0
    let at = from
    while (at < this.text.length) {
      if (this.text.startsWith('/*', at)) {
        depth++
        at += 2
      } else if (this.text.startsWith('*/', at)) {
        depth--
        at += 2
        if (depth === 0) break
      } else at++
    }
    if (depth > 0) return this.unclosed(from, 'The comment is never closed.')
    this.comment(this.text.slice(from + 2, at - 2), from)
    this.at = at
  }

  private comment(text: string, from: number): undefined {
    this.comments.push({ text: text.trim().slice(0, 2_000), ...this.lines.placeOf(from) })
    if (DOWN.test(text) || UP.test(text)) {
      this.endStatement(from)
      this.direction = DOWN.test(text) ? 'down' : 'up'
    }
  }

  /** psql's own commands (`\set`, `\i other.sql`) become a one-word statement, which nobody can judge from here. */
  private metaCommand(): undefined {
    const from = this.at
    const feed = this.text.indexOf('\n', from)
    const end = feed < 0 ? this.text.length : feed
    const name = /^\\\w*/.exec(this.text.slice(from, Math.min(end, from + 40)))?.[0] ?? '\\'
    this.endStatement(from)
    this.push('word', name, name.toUpperCase(), from, end)
    this.endStatement(end)
  }

  private atLineStart(): boolean {
    for (let at = this.at - 1; at >= 0; at--) {
      const char = this.text[at]!
      if (char === '\n' || char === '\r') return true
      if (char !== ' ' && char !== '\t') return false
    }
    return true
  }

  private unclosed(from: number, says: string): undefined {
    this.problem = { says, at: from }
    this.at = this.text.length
    this.tokens = []
  }
}

function isWordStart(char: string): boolean {
  return (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z') || char === '_' || char > '\u007f' || char === '@'
}

function isWordPart(char: string): boolean {
  return isWordStart(char) || (char >= '0' && char <= '9') || char === '$'
}

function oddBackslashes(text: string, before: number): boolean {
  let count = 0
  while (text[before - 1 - count] === '\\') count++
  return count % 2 === 1
}
