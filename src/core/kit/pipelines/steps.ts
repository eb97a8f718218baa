/** What the deploying script of every platform does before the platform moves a release, and after. */
import type { Service } from '../../define/schema.ts'
import { journeyAlarms } from '../infra/alarms.ts'
import { infrastructureOf, regionOf } from '../infra/stack.ts'
import { COMMON_SCRIPT, USES_COMMON } from './common.ts'
import { word } from './release.ts'
import { hasAfterwards, SCHEMA_SCRIPT } from './schema.ts'

/** A value of the release that the platform takes: how it is found, and the parameter's name. */
export interface Found {
  readonly parameter: string
  readonly variable: string
  /** What a shell puts between double quotes. */
  readonly value: string
  /** Regular expression that a value which exists matches. */
  readonly is?: string
}

/** A release that served before is a release like any other, outside of every window too. */
export const AGAIN = 'WAY_BACK=yes exec bash ops/pipeline/deploy.sh "$release"'

export const RELEASE_ARGUMENT = (release: string) => [`release="\${1:?Which release? ${release}}"`, 'named "$release"']

/** Up to the first thing that changes anything: the right place, who may, and what must be there. */
export function head(says: string, release: string, tools: readonly string[]): string[] {
  return [
    `# ${says}`,
    ...USES_COMMON,
    ...RELEASE_ARGUMENT(release),
    `needs npx ${tools.join(' ')}`,
    'at_target',
    'read_ledger',
    '# The gates took their time: is the window still open? The way back needs none, and goes only to what served before.',
    `if [ "\${WAY_BACK:-no}" = yes ]; then may_return "$release"; else may_start; fi`,
    `log "release $release, by \${who:-nobody named}: \${REASON:-no reason given}"`,
  ]
}

/** The last moment before the platform moves anything: alarms that would hide or hinder it, and the schema. */
export function before(service: Service): string[] {
  const alarms = alarmsOf(service)
  return [
    ...(alarms.size > 0
      ? [
          '# An alarm that rings already would take back a good release, or not be heard when a bad one comes.',
          'ringing="$(',
          ...[...alarms].map(
            ([region, names]) =>
              `  aws cloudwatch describe-alarms${region ? ` --region ${region}` : ''} --state-value ALARM --alarm-names ${names.map(word).join(' ')} --query 'MetricAlarms[].AlarmName' --output text`,
          ),
          ')"',
          `ringing="$(tr -s '\\n' ' ' <<< "\${ringing//None/}" | sed 's/^ *//; s/ *$//')"`,
          'if [ -n "$ringing" ]; then',
          `  if [ "\${WAY_BACK:-no}" = no ] && [ -z "\${EMERGENCY:-}\${BREAK_GLASS:-}" ]; then stop "It rings before anything has begun: $ringing. Find out why first; a release that repairs it is an emergency (EMERGENCY, BREAK_GLASS). Nothing was changed."; fi`,
          '  loud "Rings already, and will not take this release back: $ringing. Watch citizens yourself."',
          'fi',
        ]
      : []),
    ...(hasAfterwards(service)
      ? [
          '# Two changes of one schema do not go side by side.',
          `if [[ "$(settled | tail -n 1)" == *" contracting "* ]] && [ "\${WAY_BACK:-no}" = no ] && [ -z "\${EMERGENCY:-}\${BREAK_GLASS:-}" ]; then stop "The old shape of the schema is being removed, or that was cut short ($LEDGER): finish it first (bash ${SCHEMA_SCRIPT} contract $(serving)). Nothing was changed."; fi`,
        ]
      : []),
    ...(service.migrations
      ? [
          `# The schema is widened while the old release serves, and proven to be good for it. Going back widens nothing.`,
          `if [ "\${WAY_BACK:-no}" = no ]; then bash ${SCHEMA_SCRIPT} expand "$release"; fi`,
        ]
      : []),
    'remember begun "$release" || stop "It could not be written down ($LEDGER). No release was moved." 3',
    `trap 'echo "Interrupted: the platform goes on by itself. See what it does, or take it back: bash ops/pipeline/rollback.sh" >&2; exit 130' INT TERM`,
  ]
}

/** `fields`: what the way back needs to know of this release later, as shell words. */
export function after(fields = ''): string[] {
  return [
    `remember served "$release"${fields} || stop "$release serves, and could not be written down ($LEDGER): without that it may not return later. Write it down: bash -c '. ${COMMON_SCRIPT}; remember served $release'" 5`,
    'log "release $release serves"',
  ]
}

export const TAKEN_BACK = 'remember failed "$release" || true'

/** Alarms by name that stand in the infrastructure of this kit and take a release back, by region where it is not the service's. */
function alarmsOf(service: Service): ReadonlyMap<string | undefined, readonly string[]> {
  const { releases, site } = infrastructureOf(service) ?? {}
  const alarms = new Map<string | undefined, readonly string[]>()
  for (const stack of [releases, site]) {
    const found = (stack?.resources ?? []).flatMap(({ type, props }) =>
      type === 'AWS::CloudWatch::Alarm' && typeof props.AlarmName === 'string' ? [props.AlarmName] : [],
    )
    if (stack && found.length > 0) alarms.set(regionOf(stack), found)
  }
  const journeys = releases ? journeyAlarms(service) : []
  if (journeys.length > 0) alarms.set(undefined, [...(alarms.get(undefined) ?? []), ...journeys])
  return alarms
}

/** What was found, before anything is changed: a release that does not exist must not widen a schema. */
export function lookups(found: readonly Found[]): string[] {
  return found.flatMap(({ variable, value, is }) => [
    `${variable}="${value}"`,
    ...(is ? [`[[ "$${variable}" =~ ${is} ]] || stop "There is no such release: $release. Nothing was changed."`] : []),
  ])
}
