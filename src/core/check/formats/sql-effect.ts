import type { Lines, Place } from './position.ts'
import type { SqlStatement } from './sql.ts'

export type EffectKind = 'expand-safe' | 'data' | 'locks' | 'destructive' | 'cannot-tell'

/** One thing that a statement does. A single ALTER TABLE may do several. */
export interface Effect extends Place {
  readonly kind: EffectKind
  /** The operation in a word or two: `drop-column`, `add-required-column`, `create-index`. */
  readonly what: string
  /** The table (or type, view…) as written, without quotes. */
  readonly object: string
  /** The column, constraint or index concerned. */
  readonly part?: string
  /** The new name of something renamed. */
  readonly renamedTo?: string
  /** One sentence: what happens. */
  readonly says: string
  /** For cannot-tell: the fact that would settle it. */
  readonly needs?: string
  /** True when PostgreSQL refuses it inside a transaction block. */
  readonly outsideTransaction?: boolean
  readonly statement: SqlStatement
}

/** `public."Case"` and `case` are compared without schema and case. */
export function bare(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase()
}

/** What the judges of one statement share: where they are, what this migration created before, and where effects go. */
export interface Context {
  readonly statement: SqlStatement
  readonly lines: Lines
  readonly fresh: Set<string>
  readonly out: Effect[]
}

/** An effect as a judge states it; the statement and, when not given, its place are added. */
export type Told = Omit<Effect, 'statement' | 'line' | 'col'> & Partial<Place>

export function tell(context: Context, told: Told): undefined {
  const { line, col } = context.statement
  // What is created in the same migration holds no rows and no running release knows it.
  const calm =
    told.kind !== 'expand-safe' &&
    told.kind !== 'data' &&
    context.fresh.has(bare(told.object)) &&
    told.what !== 'unknown'
  context.out.push({
    line,
    col,
    ...told,
    statement: context.statement,
    ...(calm ? { kind: 'expand-safe' as const } : {}),
  })
}

export function unknown(context: Context, word: string): undefined {
  const says = `The statement ${word ? `"${word.slice(0, 40)} …"` : ''} is not one we can judge.`
  tell(context, {
    kind: 'cannot-tell',
    what: 'unknown',
    object: '',
    says,
    needs: 'a person who knows what this statement does',
  })
}

export function renamed(
  context: Context,
  what: string,
  object: string,
  part: string | undefined,
  to: string,
): undefined {
  const says = `Renames ${part ? `${object}.${part}` : object} to ${to}; the running release still uses the old name.`
  tell(context, { kind: 'destructive', what, object, ...(part ? { part } : {}), renamedTo: to, says })
}
