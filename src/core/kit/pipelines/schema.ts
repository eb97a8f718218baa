/**
 * Schema changes where a platform moves the releases: a script with a step each. `expand` runs before anything reaches citizens;
 * `contract` when the rollback window has closed. Without commands in the definition it says so, and nothing goes out.
 */
import type { Service } from '../../define/schema.ts'
import { USES_COMMON } from './common.ts'
import { HOLDFAST, word } from './release.ts'

export const SCHEMA_SCRIPT = 'ops/pipeline/schema.sh'

type Migrations = NonNullable<Service['migrations']>
type Step = 'expand' | 'verify' | 'backfill' | 'contract'

/** True when something may be left to do after the release: copying old data, removing the old shape. */
export function hasAfterwards({ migrations }: Service): boolean {
  if (!migrations) return false
  return removes(migrations) || commandOf(migrations, 'backfill') !== undefined
}

function removes({ policy }: Migrations): boolean {
  return policy === 'expand-contract' || policy === 'breaking-allowed'
}

/** Minutes of the steps before traffic: the change, and its verification. */
export function schemaMinutes({ migrations }: Service): number {
  return migrations ? Math.ceil(migrations.minutesMax) * 2 : 0
}

/** Minutes of the steps after the release. */
export function afterwardsMinutes({ migrations }: Service): number {
  if (!migrations) return 0
  return Math.ceil(migrations.backfill.minutesMax) + Math.ceil(migrations.minutesMax) * 2
}

/** As a shell reads it; undefined: nothing says how. */
function commandOf(migrations: Migrations, step: Step): string | undefined {
  const own = migrations.run?.[step]
  if (own) return own.map(word).join(' ')
  // There is no old release at hand here whose queries could be held against the schema.
  return migrations.tool === 'holdfast' && step !== 'verify' ? `${HOLDFAST} deploy schema ${step}` : undefined
}

export function schemaScript(service: Service): readonly string[] {
  const { migrations } = service
  if (!migrations) return []
  const { folder, tool, policy } = migrations
  const minutes = Math.ceil(migrations.minutesMax)
  const backfillMinutes = Math.ceil(migrations.backfill.minutesMax)
  const copies = commandOf(migrations, 'backfill') !== undefined
  const run = (one: Step, most: number) => runLine(migrations, one, most)
  const step = (name: Step, lines: readonly string[]) => [
    `  ${name})`,
    // Said before the first command runs: half of a step is worse than none.
    ...NEEDED[name]
      .flatMap((one) => missing(migrations, one))
      .slice(0, 1)
      .map((line) => `    ${line}`),
    ...(NEEDED[name].some((one) => missing(migrations, one).length > 0) ? [] : lines),
    '    ;;',
  ]
  return [
    `# Schema changes of ${service.service.id} in ${folder} (${tool}, ${policy}): bash ops/pipeline/schema.sh STEP RELEASE`,
    ...USES_COMMON,
    `step="\${1:?expand, verify, backfill or contract}"`,
    `release="\${2:?Which release?}"`,
    'named "$release"',
    'at_target',
    'read_ledger',
    '# Whose queries must still work; empty before the first release.',
    'SERVING_RELEASE="$(serving)"',
    'export SERVING_RELEASE',
    ...limitLines(migrations),
    'case "$step" in',
    ...step('expand', [
      `    # Before any citizen meets the release: at most ${minutes} min for the change, as long again for the proof.`,
      ...run('expand', minutes),
      '    log "schema: expanded for $release"',
      ...run('verify', minutes),
      '    log "schema: the release that serves works on it"',
    ]),
    ...step('verify', run('verify', minutes)),
    ...(hasAfterwards(service) && copies
      ? step('backfill', [
          `    # In batches, beside citizens; the old shape stays when it is not done in ${backfillMinutes} min.`,
          ...run('backfill', backfillMinutes),
          '    log "schema: old data copied for $release"',
        ])
      : []),
    ...(removes(migrations) ? step('contract', contractLines(migrations)) : []),
    '  *) stop "There is no step $step." 2 ;;',
    'esac',
  ]
}

/** Commands that a step runs. */
const NEEDED: Readonly<Record<Step, readonly Step[]>> = {
  expand: ['expand', 'verify'],
  verify: ['verify'],
  backfill: ['backfill'],
  contract: ['contract', 'verify'],
}

function missing(migrations: Migrations, step: Step): string[] {
  if (commandOf(migrations, step) !== undefined) return []
  return [
    `stop "Nothing says how the step ${step} is taken with ${migrations.tool.replaceAll(/["$`\\]/g, '')}: write migrations.run.${step} (a command as a list of words) into service.yaml, and run holdfast kit again. The schema was not changed."`,
  ]
}

function runLine(migrations: Migrations, step: Step, minutes: number): string[] {
  return [`    limited ${minutes} ${commandOf(migrations, step)} || stop "${FAILED[step]}"`]
}

/** When nobody goes back by a switch any more, and only then. */
function contractLines(migrations: Migrations): string[] {
  const { contractAfterMinutes } = migrations
  const minutes = Math.ceil(migrations.minutesMax)
  const waits = Math.ceil(contractAfterMinutes)
  return [
    '    last="$(settled | tail -n 1)"',
    `    case "\${last#* }" in`,
    '      "contracted $release") stop "$release: done before." 0 ;;',
    '      "contracting $release") ;;',
    '      "served $release" | "served $release "*)',
    `        # ${waits} min after it served alone nobody goes back by a switch any more; after this step nobody can.`,
    `        since=$((($(date +%s) - \${last%% *}) / 60))`,
    `        if [ "$since" -lt ${waits} ]; then stop "The rollback window is open: $release serves alone for $since min, and ${waits} are asked for. Nothing was changed."; fi`,
    '        ;;',
    '      *) stop "The ledger ($LEDGER) does not end with: served $release. It does not serve alone, or something else is under way. Nothing was changed." ;;',
    '    esac',
    ...(commandOf(migrations, 'backfill') ? ['    bash ops/pipeline/schema.sh backfill "$release"'] : []),
    '    # Written down first: whatever becomes of it, an older release must not return.',
    '    remember contracting "$release" || stop "It could not be written down ($LEDGER). Nothing was changed." 3',
    ...runLine(migrations, 'contract', minutes),
    '    remember contracted "$release" || loud "The contract step of $release is done, and could not be written down ($LEDGER)."',
    '    log "schema: what only releases before $release needed is gone"',
    ...runLine(migrations, 'verify', minutes),
  ]
}

const FAILED: Readonly<Record<Step, string>> = {
  expand: 'The schema step failed. No citizen has met $release; see what of the change is in place.',
  verify:
    'The release that serves does not work on the schema as it is, or nobody could tell. Look at citizens now: the change is in place.',
  backfill: 'Old data is not copied to its end. Both releases live with that; the old shape stays.',
  contract: 'The old shape could not be removed. Citizens do not notice; older releases may not return.',
}

/** Citizens wait behind a lock, so every client that can be told of the limits is told. */
function limitLines({ databaseEnv, lockTimeoutMs: lock, statementTimeoutMs: statement, tool }: Migrations): string[] {
  return [
    `: "\${${databaseEnv}:?The address of the database}"`,
    `# A change waits ${lock} ms for its lock at most, because citizens wait behind it; a statement runs ${statement} ms at most.`,
    `export LOCK_TIMEOUT_MS=${lock} STATEMENT_TIMEOUT_MS=${statement}`,
    '# Clients of PostgreSQL by libpq read these (psql, Rails, Django, dbt), and so does node-postgres.',
    `export PGOPTIONS="-c lock_timeout=${lock} -c statement_timeout=${statement}"`,
    ...(/flyway/i.test(tool)
      ? [`export FLYWAY_INIT_SQL="SET lock_timeout = ${lock}; SET statement_timeout = ${statement}"`]
      : []),
    ...(tool === 'holdfast'
      ? [
          '# Its own name for it: DATABASE_URL is the address of Holdfast’s own database.',
          `export SERVICE_${databaseEnv}="$${databaseEnv}"`,
        ]
      : []),
    ...(/liquibase/i.test(tool)
      ? [
          `# ${tool} connects by JDBC, which reads neither: its address carries them.`,
          `case "$${databaseEnv}" in`,
          `  jdbc:*lock_timeout*) ;;`,
          `  jdbc:*\\?*) export ${databaseEnv}="$${databaseEnv}&options=-c%20lock_timeout=${lock}%20-c%20statement_timeout=${statement}" ;;`,
          `  jdbc:*) export ${databaseEnv}="$${databaseEnv}?options=-c%20lock_timeout=${lock}%20-c%20statement_timeout=${statement}" ;;`,
          'esac',
        ]
      : []),
  ]
}
