/** One thing that was seen in a repository, and where; and what was looked at and could not be told. */

export const SIGHTS = [
  'name',
  'component',
  'command',
  'image',
  'replicas',
  'ready',
  'port',
  'env',
  'stop-seconds',
  'memory-mb',
  'platform',
  'pipeline',
  'infrastructure',
  'migrations',
  'migrate-on-start',
  'database',
  'queue',
  'dependency',
  'schedule',
  'route',
  'alert',
  'runbook',
  'gate',
  'deploy',
  'language',
  'secret-env',
  'undecided',
] as const

export interface Sight {
  readonly what: (typeof SIGHTS)[number]
  readonly value: string
  /** The component or job it belongs to, when there is one. */
  readonly of?: string
  readonly file: string
  readonly line: number
  /** True for the default of a variable, parameter or chart, which a deployment may replace. */
  readonly soft?: true
}

/** Something that stands there and whose value the files do not decide, or a file that could not be read. */
export interface Note {
  readonly file: string
  readonly line: number
  readonly says: string
}

/** What a component is when nothing shows it: its name alone is no proof. */
export const UNKNOWN_KIND = 'unknown'

export interface Place {
  readonly file: string
  readonly line: number
}

/** Sights and notes as they are found; bounded. */
export class Book {
  readonly sights: Sight[] = []
  readonly notes: Note[] = []
  readonly leftOut: { readonly why: string; readonly file: string; readonly line: number }[] = []

  see(what: Sight['what'], value: string, at: Place, of?: string, soft?: boolean): void {
    // Numbers stand in a definition as numbers: what is none, such as a parameter, is not seen.
    if (NUMBERS.has(what) && !/^[1-9]\d{0,5}$/.test(value)) return
    if (this.sights.length >= 5_000 || value.length > 500) return
    const { file, line } = at
    const plain = what === 'command' || what === 'migrate-on-start' ? withoutSecrets(value) : value
    this.sights.push({ what, value: plain, file, line, ...(of === undefined ? {} : { of }), ...(soft ? { soft } : {}) })
  }

  /** A route whose path cannot be told. */
  leave(why: string, at: Place): void {
    if (this.leftOut.length < 1_000) this.leftOut.push({ why, file: at.file, line: at.line })
  }

  note(says: string, at: Place): void {
    if (this.notes.length < 200) this.notes.push({ file: at.file, line: at.line, says: says.slice(0, 500) })
  }
}

/** A command line as it may stand in a definition, which is copied into kits and evidence. */
function withoutSecrets(command: string): string {
  return command
    .replace(/:\/\/[^\s/@]+@/g, '://…@')
    .replace(/([\w-]*(?:passw(?:or)?d|secret|token|api[-_]?key|credential)[\w-]*)(=|\s+)(?!-)\S+/gi, '$1$2…')
}

const NUMBERS: ReadonlySet<Sight['what']> = new Set(['replicas', 'stop-seconds', 'memory-mb'])

/** Containers that stand beside a service, and test doubles: none of them serves a citizen. */
const SIDECAR =
  /(^|[/_-])(xray-daemon|istio-proxy|envoy|linkerd-proxy|fluent-?bit|fluentd|datadog-agent|otel-collector|opentelemetry-collector|aws-otel-collector|cloudwatch-agent|log[-_]router|cloud-?sql-proxy|mailhog|mailpit|mailcatcher|localstack|wiremock|adminer|pgadmin4?)([:@/]|$)/i

export function isSidecar(...names: readonly (string | undefined)[]): boolean {
  return names.some((text) => text !== undefined && SIDECAR.test(text))
}

/** The store that an image is, by its well-known name. */
export function storeOf(
  image: string | undefined,
): { readonly what: 'database' | 'queue'; readonly value: string } | undefined {
  const found = image?.match(
    /(?:^|\/)(postgres|postgis|mysql|mariadb|mongo|redis|valkey|rabbitmq|kafka)(?:ql|db)?(?:[-:@]|$)/,
  )?.[1]
  if (!found) return undefined
  return { what: /^(redis|valkey|rabbitmq|kafka)$/.test(found) ? 'queue' : 'database', value: found }
}

/** A command that changes the schema, as opposed to one that only mentions it. */
export function migrates(command: string): boolean {
  return /\b(db:(migrate|prepare|schema:load)|(flask|quart) db upgrade|migrate(:latest|:up|\.js|\.py|\.sh)?|alembic upgrade|flyway( \S+)* migrate|prisma migrate deploy|sequelize(-cli)? db:migrate|knex migrate\S*)\b/.test(
    command,
  )
}

/** The path that a health check asks for. */
export function askedPath(command: string): string | undefined {
  return command.match(/https?:\/\/[^/\s"'\\]+(\/[\w./-]*)/)?.[1]
}
