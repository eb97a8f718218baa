/**
 * What the scripts of a platform share: where this is, who may start a release and who agreed to it, and the little that must be
 * remembered from one run to the next. The ledger has one line for each event, oldest first:
 *
 *   1795446000 begun r7          the platform was told to bring r7 out
 *   1795447000 failed r7         it took r7 back
 *   1795449600 served r7         it serves, alone
 *   1795453000 contracting r7    from here on nobody knows whether a release before r7 could serve: none of them may return
 *   1795453200 contracted r7     what only they needed is gone from the database
 */
import type { Service } from '../../define/schema.ts'
import { word } from './release.ts'

export const COMMON_SCRIPT = 'ops/pipeline/common.sh'

/** Where the ledger is kept. */
export type Ledger = 'parameter-store' | 'config-map'

/** A parameter of Systems Manager holds 8 KB at most: 20 lines of 400 characters. */
const LINES_KEPT = 20

/** First lines of every script that uses the shared ones. */
export const USES_COMMON = [`# shellcheck source=${COMMON_SCRIPT}`, `. ${COMMON_SCRIPT}`] as const

export function commonScript(service: Service, ledger: Ledger): readonly string[] {
  return [
    `# What the scripts of ${service.service.id} share: where this is, who may start a release, and what is remembered between two runs.`,
    'set -euo pipefail',
    ...WORDS,
    ...targetLines(service),
    ...startLines(service),
    ...ledgerLines(service, ledger),
    ...RETURN,
  ]
}

const WORDS = [
  '# The person who does it, and who agreed. A pipeline takes both from its own records, never from a form.',
  `who="\${WHO:-}"`,
  `stop() { echo "$1" >&2; exit "\${2:-1}"; }`,
  'needs() { local tool; for tool in "$@"; do command -v "$tool" > /dev/null || stop "$tool is not installed here. Nothing was changed." 3; done; }',
  'named() { [[ "$1" =~ ^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,79}$ ]] || stop "That is no name of a release. Nothing was changed." 2; }',
  'log() { mkdir -p evidence; echo "$(date -u +%FT%TZ) $*" >> evidence/releases.txt; }',
  '# Whoever watches this run sees it, and whoever reads the evidence too.',
  'loud() {',
  '  log "$*"; echo "*** $* ***" >&2',
  `  if [ -n "\${GITHUB_STEP_SUMMARY:-}" ]; then echo "::warning::$*"; echo "**$***" >> "$GITHUB_STEP_SUMMARY"; fi`,
  '}',
  'limited() {',
  '  local minutes="$1" rc=0; shift',
  `  timeout --kill-after=30 "\${minutes}m" "$@" || rc=$?`,
  '  if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then echo "It was ended after $minutes min: $1" >&2; fi',
  '  return "$rc"',
  '}',
]

/** Nothing that was tested helps when the right release goes to the wrong place. */
function targetLines({ environments }: Service): string[] {
  const account = environments.find((environment) => environment.kind === 'production')?.account
  if (account === undefined) return ['at_target() { :; }']
  return [
    'at_target() {',
    '  local here',
    ...(/^\d{12}$/.test(account)
      ? ['  here="$(aws sts get-caller-identity --query Account --output text)"']
      : [
          '  # The machine says where it is, never this repository: HOLDFAST_ACCOUNT is set where the pipeline runs.',
          `  here="\${HOLDFAST_ACCOUNT:-unknown}"`,
        ]),
    `  if [ "$here" != ${word(account)} ]; then stop "This is $here, and ${account.replaceAll(/["$`\\]/g, '')} is meant. Nothing was changed."; fi`,
    '}',
  ]
}

/** As `holdfast deploy start` does it: the window and its approvals, more people in a closed one, or the glass. */
function startLines({ deployment }: Service): string[] {
  const { people } = deployment.approvals
  const { approvers } = deployment.windows.emergency
  const others = (count: number) => `${count} other ${count === 1 ? 'person' : 'people'}`
  return [
    '# How many people agreed (AGREED has their names), without the one who asks.',
    `agreed() { tr -s ', \\t' '\\n' <<< "\${AGREED:-}" | sed '/^$/d' | { grep -vixF -- "\${who:-nobody}" || true; } | sort -fu | wc -l | tr -d ' '; }`,
    'may_start() {',
    '  local answer rc=0',
    '  [ -n "$who" ] || stop "WHO starts this? Set WHO to a name. Nothing was changed." 2',
    '  mkdir -p evidence',
    '  npx --no-install holdfast deploy window --json > evidence/window.json || rc=$?',
    `  if [ -n "\${BREAK_GLASS:-}" ]; then`,
    '    loud "THE GLASS WAS BROKEN by $who: $BREAK_GLASS. No window and no approval was asked for."',
    '    return',
    '  fi',
    `  grep -q '"verdict"' evidence/window.json || stop "Nobody could say whether the window is open. Nothing was changed." 3`,
    `  answer="$(sed -n 's/.*"says":"\\([^"]*\\)".*/\\1/p' evidence/window.json)"`,
    `  if [ "$rc" != 0 ] && [ -z "\${EMERGENCY:-}" ]; then`,
    `    stop "$answer If it cannot wait: EMERGENCY=\\"why\\" when ${others(approvers)} agree (AGREED has their names); BREAK_GLASS=\\"why\\" asks nobody, and is loud. Nothing was changed."`,
    '  fi',
    '  if [ "$rc" != 0 ]; then',
    `    [ "$(agreed)" -ge ${approvers} ] || stop "In a closed window ${others(approvers)} must agree, and AGREED names $(agreed). Nothing was changed."`,
    '    loud "RELEASED IN A CLOSED WINDOW by $who: $EMERGENCY. Agreed: $AGREED. $answer"',
    '    return',
    '  fi',
    ...(people > 0
      ? [
          `  [ "$(agreed)" -ge ${people} ] || stop "${others(people)} must agree, never the one who asks, and AGREED names $(agreed). Nothing was changed."`,
        ]
      : []),
    '}',
  ]
}

function ledgerLines({ service: { id } }: Service, ledger: Ledger): string[] {
  const keep = `{ printf '%s\\n' "$before"; echo "$(date +%s) $*"; } | sed '/^$/d' | tail -n ${LINES_KEPT}`
  if (ledger === 'config-map')
    return [
      `LEDGER="config map ${id}-releases"`,
      `recall() { kubectl get configmap ${id}-releases --ignore-not-found -o 'jsonpath={.data.ledger}'; }`,
      'remember() {',
      '  local before; before="$(recall)" || return',
      `  kubectl create configmap ${id}-releases --dry-run=client -o yaml --from-literal=ledger="$(${keep})" | kubectl apply -f - > /dev/null`,
      '}',
    ]
  return [
    `LEDGER="parameter /${id}/releases"`,
    'recall() {',
    '  local told',
    `  if told="$(aws ssm get-parameter --name /${id}/releases --query Parameter.Value --output text 2>&1)"; then printf '%s\\n' "$told"; return; fi`,
    '  if [[ "$told" == *ParameterNotFound* ]]; then return 0; fi',
    '  echo "$told" >&2; return 3',
    '}',
    'remember() {',
    '  local before; before="$(recall)" || return',
    `  aws ssm put-parameter --name /${id}/releases --type String --tier Intelligent-Tiering --overwrite --value "$(${keep})" > /dev/null`,
    '}',
  ]
}

const RETURN = [
  '# The ledger as it is now.',
  'ledger=""',
  `read_ledger() { ledger="$(recall)" || [ -n "\${BREAK_GLASS:-}" ] || stop "What served before cannot be read ($LEDGER). Nothing was changed." 3; }`,
  '# Without tries that are over: what stands at its end is how things are.',
  `settled() { awk '$2 == "begun" { held = $0; next } { held = "" } $2 != "failed" { print } END { if (held != "") print held }' <<< "$ledger"; }`,
  '# The release that citizens get; empty before the first.',
  `serving() { awk '$2 == "served" { name = $3 } END { print name }' <<< "$ledger"; }`,
  '# Releases that served here, and that the database still has everything for.',
  `returnable() { awk '$2 ~ /^contract/ { split("", ok); ok[$3] = 1 } $2 == "served" { ok[$3] = 1 } END { for (one in ok) print one }' <<< "$ledger"; }`,
  'may_return() {',
  '  if returnable | grep -qxF -- "$1"; then return; fi',
  `  if [ -n "\${BREAK_GLASS:-}" ] && [ -n "$who" ]; then loud "THE GLASS WAS BROKEN by $who to go back to $1, which the ledger does not allow: $BREAK_GLASS"; return; fi`,
  `  stop "$1 may not return: it never served here, or the database has lost what it needs. These may: $(returnable | paste -sd ' ' -). Otherwise go forward with a release on the one that serves; who knows better: WHO=… BREAK_GLASS=\\"why\\". Nothing was changed."`,
  '}',
]
