/**
 * Is this the place that is meant? The definition says which account, region and database the environment has; what the deployment
 * finds around itself must agree. A published list of real incidents has the wrong environment as the most frequent single cause, and
 * nothing that was tested helps when the right release goes to the wrong place.
 */
import type { Service } from '../define/schema.ts'
import { countOf, listOf } from '../words.ts'

export type Environment = Service['environments'][number]

/** One thing that the surroundings say, and where they say it. */
export interface Fact {
  readonly what: 'environment' | 'account' | 'region' | 'database host'
  readonly value: string
  readonly from: string
}

export interface TargetRow {
  readonly what: Fact['what']
  readonly intended: string
  /** Null: nothing around here says. */
  readonly found: string | null
  readonly from: string | null
  readonly verdict: 'agrees' | 'disagrees' | 'cannot tell'
}

export interface TargetAnswer {
  readonly passed: boolean
  readonly says: string
  /** What to do about it; '' when it passed. */
  readonly fix: string
  readonly rows: readonly TargetRow[]
  /** How many people it concerns, as the definition says. */
  readonly citizens: string
}

type Env = Readonly<Record<string, string | undefined>>

/** Variables that say where we are, and of what. The first one that is set is the one that counts for its kind. */
const SAYS: readonly (readonly [Fact['what'], readonly string[]])[] = [
  ['environment', ['HOLDFAST_ENVIRONMENT']],
  [
    'account',
    [
      'HOLDFAST_ACCOUNT',
      'AWS_ACCOUNT_ID',
      'CDK_DEFAULT_ACCOUNT',
      'GOOGLE_CLOUD_PROJECT',
      'AZURE_SUBSCRIPTION_ID',
      'KUBE_CONTEXT',
    ],
  ],
  ['region', ['AWS_REGION', 'AWS_DEFAULT_REGION', 'CLOUDSDK_COMPUTE_REGION']],
]

/** What the surroundings say. `databaseUrl` is the service's own; of it only the host is kept. */
export function factsIn(env: Env, databaseUrl: string | undefined): readonly Fact[] {
  const facts = SAYS.flatMap(([what, names]): Fact[] =>
    names.flatMap((from) => {
      const value = env[from]?.trim()
      return value ? [{ what, value: value.slice(0, 200), from }] : []
    }),
  )
  const host = hostOf(databaseUrl)
  return host
    ? [...facts, { what: 'database host', value: host, from: 'the address of the service’s database' }]
    : facts
}

/** The host of an address without its user and password; a PostgreSQL address may name it as a parameter, as for a socket's folder. */
function hostOf(url: string | undefined): string | null {
  if (!url || !URL.canParse(url)) return null
  const parsed = new URL(url)
  return parsed.hostname || parsed.searchParams.get('host')?.slice(0, 200) || null
}

/** The environment that a wish means: the one named, or the only one, or the only production. Undefined: the definition has none. */
export function environmentMeant(
  service: Service,
  named?: string,
): { readonly environment: Environment } | { readonly why: string } | undefined {
  const { environments } = service
  if (named !== undefined) {
    const environment = environments.find(({ id }) => id === named)
    if (environment) return { environment }
    const known = listOf(environments.map(({ id }) => id)) || 'none'
    return { why: `The definition has no environment "${named}"; it names ${known}.` }
  }
  if (environments.length === 0) return undefined
  const production = environments.filter(({ kind }) => kind === 'production')
  const [only] = environments.length === 1 ? environments : production.length === 1 ? production : []
  if (only) return { environment: only }
  return { why: `It is not said which environment is meant: ${listOf(environments.map(({ id }) => id))}.` }
}

/** Holds what was found against what was meant. Every fact of a kind must agree: two accounts in one shell are no agreement. */
export function judgeTarget(service: Service, environment: Environment, facts: readonly Fact[]): TargetAnswer {
  const rows = [
    ...row('environment', environment.id, facts),
    ...row('account', environment.account, facts),
    ...row('region', environment.region, facts),
    ...row('database host', environment.databaseHost, facts),
  ]
  const citizens = citizensOf(service)
  const wrong = rows.filter(({ verdict }) => verdict === 'disagrees')
  const answer = { rows, citizens }
  const meant = `"${environment.id}"${environment.account ? ` (${environment.account})` : ''}`
  if (wrong.length > 0) {
    const says = wrong.map(
      ({ what, intended, found, from }) => `${what} is ${found} (${from}), and ${intended} is meant`,
    )
    return {
      ...answer,
      passed: false,
      says: `This is not ${meant}: ${listOf(says)}. It would reach ${citizens}.`,
      fix: 'Go to the right place, or name the environment that you mean: --environment NAME.',
    }
  }
  const unknown = rows.filter(isUnknown(rows))
  if (unknown.length > 0 && environment.kind === 'production') {
    return {
      ...answer,
      passed: false,
      says: `Cannot tell whether this is ${meant}, because nothing here says ${listOf(unknown.map(({ what }) => `its ${what}`))}. It would reach ${citizens}.`,
      fix: unknown.map(({ what, intended }) => fixOf(what, intended)).join('   '),
    }
  }
  const found = rows.filter(({ verdict }) => verdict === 'agrees').map(({ what, from }) => `${what} by ${from}`)
  const how =
    found.length > 0
      ? `, as ${listOf(found)} ${found.length === 1 ? 'says' : 'say'}`
      : ', and nothing here says otherwise'
  return { ...answer, passed: true, says: `This is ${meant}${how}. It reaches ${citizens}.`, fix: '' }
}

/** Without a single fact nobody can tell; an account or database that is declared must be seen; a region alone may be silent. */
function isUnknown(rows: readonly TargetRow[]): (row: TargetRow) => boolean {
  const anyAgrees = rows.some(({ verdict }) => verdict === 'agrees')
  return ({ what, verdict }) =>
    verdict === 'cannot tell' && (!anyAgrees || what === 'account' || what === 'database host')
}

function row(what: Fact['what'], intended: string | undefined, facts: readonly Fact[]): TargetRow[] {
  if (intended === undefined) return []
  const seen = facts.filter((fact) => fact.what === what && isComparable(fact, intended))
  const other = seen.find(({ value }) => value !== intended)
  const best = other ?? seen[0]
  const verdict = other ? 'disagrees' : best ? 'agrees' : 'cannot tell'
  return [{ what, intended, found: best?.value ?? null, from: best?.from ?? null, verdict }]
}

/** An AWS account number says nothing about a cluster's name, nor the other way round: such a pair is no disagreement. */
function isComparable({ what, value, from }: Fact, intended: string): boolean {
  if (what !== 'account' || from === 'HOLDFAST_ACCOUNT') return true
  return /^\d{12}$/.test(value) === /^\d{12}$/.test(intended)
}

function fixOf(what: Fact['what'], intended: string): string {
  if (what === 'environment') return `export HOLDFAST_ENVIRONMENT=${intended}`
  if (what === 'account') return `export HOLDFAST_ACCOUNT='${intended}'`
  if (what === 'region') return `export AWS_REGION=${intended}`
  return 'export SERVICE_DATABASE_URL=…'
}

function citizensOf(service: Service): string {
  const perMinute = service.journeys.reduce((sum, { demand }) => sum + (demand?.normalPerMinute ?? 0), 0)
  const perYear = service.service.usersPerYear
  const parts = [
    ...(perMinute > 0 ? [`about ${countOf(Math.round(perMinute * 60))} citizens an hour`] : []),
    ...(perYear ? [`${countOf(perYear)} a year`] : []),
  ]
  return parts.length > 0 ? parts.join(', ') : 'a number of citizens that the definition does not say'
}
