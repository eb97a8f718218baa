#!/bin/bash
# holdfast:begin rollback
# Takes performance-dashboard back to the release that is named; 15 min are promised for it.
# shellcheck source=ops/pipeline/common.sh
. ops/pipeline/common.sh
release="${1:?Which release? The folder of its packages in the bucket of code}"
named "$release"
needs aws
at_target
read_ledger
may_return "$release"
was="$(awk -v want="$release" '$2 == "served" && $3 == want { line = $0 } END { print line }' <<< "$ledger")"
part() {
  local found; found="$(tr " " "\n" <<< "$was" | sed -n "s|^$1=||p")"
  [ -n "$found" ] || stop "The ledger ($LEDGER) does not say what $1 was in $release. Deploy it as a release: WAY_BACK=yes bash ops/pipeline/deploy.sh $release" 5
  echo "$found"
}
loader_now="$(part performance-dashboard-loader)"
recount_now="$(part performance-dashboard-recount)"
aws lambda update-alias --function-name performance-dashboard-loader --name live --function-version "$loader_now" --routing-config "AdditionalVersionWeights={}" > /dev/null
aws lambda update-alias --function-name performance-dashboard-recount --name live --function-version "$recount_now" --routing-config "AdditionalVersionWeights={}" > /dev/null
# shellcheck disable=SC2046
remember served "$release" $(cut -s -d " " -f 4- <<< "$was") || loud "$release serves again, and could not be written down ($LEDGER)."
log "back to $release, by ${who:-nobody named}: ${REASON:-no reason given}"
# holdfast:end rollback
