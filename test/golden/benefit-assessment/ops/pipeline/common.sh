#!/bin/bash
# holdfast:begin common
# What the scripts of benefit-assessment share: where this is, who may start a release, and what is remembered between two runs.
set -euo pipefail
# The person who does it, and who agreed. A pipeline takes both from its own records, never from a form.
who="${WHO:-}"
stop() { echo "$1" >&2; exit "${2:-1}"; }
needs() { local tool; for tool in "$@"; do command -v "$tool" > /dev/null || stop "$tool is not installed here. Nothing was changed." 3; done; }
named() { [[ "$1" =~ ^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,79}$ ]] || stop "That is no name of a release. Nothing was changed." 2; }
log() { mkdir -p evidence; echo "$(date -u +%FT%TZ) $*" >> evidence/releases.txt; }
# Whoever watches this run sees it, and whoever reads the evidence too.
loud() {
  log "$*"; echo "*** $* ***" >&2
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then echo "::warning::$*"; echo "**$***" >> "$GITHUB_STEP_SUMMARY"; fi
}
limited() {
  local minutes="$1" rc=0; shift
  timeout --kill-after=30 "${minutes}m" "$@" || rc=$?
  if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then echo "It was ended after $minutes min: $1" >&2; fi
  return "$rc"
}
at_target() {
  local here
  # The machine says where it is, never this repository: HOLDFAST_ACCOUNT is set where the pipeline runs.
  here="${HOLDFAST_ACCOUNT:-unknown}"
  if [ "$here" != assessment-production ]; then stop "This is $here, and assessment-production is meant. Nothing was changed."; fi
}
# How many people agreed (AGREED has their names), without the one who asks.
agreed() { tr -s ', \t' '\n' <<< "${AGREED:-}" | sed '/^$/d' | { grep -vixF -- "${who:-nobody}" || true; } | sort -fu | wc -l | tr -d ' '; }
may_start() {
  local answer rc=0
  [ -n "$who" ] || stop "WHO starts this? Set WHO to a name. Nothing was changed." 2
  mkdir -p evidence
  npx --no-install holdfast deploy window --json > evidence/window.json || rc=$?
  if [ -n "${BREAK_GLASS:-}" ]; then
    loud "THE GLASS WAS BROKEN by $who: $BREAK_GLASS. No window and no approval was asked for."
    return
  fi
  grep -q '"verdict"' evidence/window.json || stop "Nobody could say whether the window is open. Nothing was changed." 3
  answer="$(sed -n 's/.*"says":"\([^"]*\)".*/\1/p' evidence/window.json)"
  if [ "$rc" != 0 ] && [ -z "${EMERGENCY:-}" ]; then
    stop "$answer If it cannot wait: EMERGENCY=\"why\" when 2 other people agree (AGREED has their names); BREAK_GLASS=\"why\" asks nobody, and is loud. Nothing was changed."
  fi
  if [ "$rc" != 0 ]; then
    [ "$(agreed)" -ge 2 ] || stop "In a closed window 2 other people must agree, and AGREED names $(agreed). Nothing was changed."
    loud "RELEASED IN A CLOSED WINDOW by $who: $EMERGENCY. Agreed: $AGREED. $answer"
    return
  fi
  [ "$(agreed)" -ge 2 ] || stop "2 other people must agree, never the one who asks, and AGREED names $(agreed). Nothing was changed."
}
LEDGER="parameter /benefit-assessment/releases"
recall() {
  local told
  if told="$(aws ssm get-parameter --name /benefit-assessment/releases --query Parameter.Value --output text 2>&1)"; then printf '%s\n' "$told"; return; fi
  if [[ "$told" == *ParameterNotFound* ]]; then return 0; fi
  echo "$told" >&2; return 3
}
remember() {
  local before; before="$(recall)" || return
  aws ssm put-parameter --name /benefit-assessment/releases --type String --tier Intelligent-Tiering --overwrite --value "$({ printf '%s\n' "$before"; echo "$(date +%s) $*"; } | sed '/^$/d' | tail -n 20)" > /dev/null
}
# The ledger as it is now.
ledger=""
read_ledger() { ledger="$(recall)" || [ -n "${BREAK_GLASS:-}" ] || stop "What served before cannot be read ($LEDGER). Nothing was changed." 3; }
# Without tries that are over: what stands at its end is how things are.
settled() { awk '$2 == "begun" { held = $0; next } { held = "" } $2 != "failed" { print } END { if (held != "") print held }' <<< "$ledger"; }
# The release that citizens get; empty before the first.
serving() { awk '$2 == "served" { name = $3 } END { print name }' <<< "$ledger"; }
# Releases that served here, and that the database still has everything for.
returnable() { awk '$2 ~ /^contract/ { split("", ok); ok[$3] = 1 } $2 == "served" { ok[$3] = 1 } END { for (one in ok) print one }' <<< "$ledger"; }
may_return() {
  if returnable | grep -qxF -- "$1"; then return; fi
  if [ -n "${BREAK_GLASS:-}" ] && [ -n "$who" ]; then loud "THE GLASS WAS BROKEN by $who to go back to $1, which the ledger does not allow: $BREAK_GLASS"; return; fi
  stop "$1 may not return: it never served here, or the database has lost what it needs. These may: $(returnable | paste -sd ' ' -). Otherwise go forward with a release on the one that serves; who knows better: WHO=… BREAK_GLASS=\"why\". Nothing was changed."
}
# holdfast:end common
