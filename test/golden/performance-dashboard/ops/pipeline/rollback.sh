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
# The release of site that citizens get, and the one whose files open pages may still ask for. One path changes, and the edges are emptied.
site_to() {
  local id empty
  terraform -chdir=ops/infrastructure/performance-dashboard-site init -input=false > /dev/null || return
  # What else the configuration asks for stands in ops/infrastructure/performance-dashboard-site/production.auto.tfvars.
  terraform -chdir=ops/infrastructure/performance-dashboard-site apply -input=false -auto-approve -lock-timeout=5m -var "site_release=$1" -var "site_before=$2" || return
  id="$(aws cloudfront list-distributions --query 'DistributionList.Items[?Comment=='\''performance-dashboard-site'\''].Id' --output text)"
  empty="$(aws cloudfront create-invalidation --distribution-id "$id" --paths '/*' --query Invalidation.Id --output text)" || return
  aws cloudfront wait invalidation-completed --distribution-id "$id" --id "$empty"
}
now="$(serving)"
site_to "$release" "${now:-$release}" || stop "site could not be switched back: a person must look." 5
# shellcheck disable=SC2046
remember served "$release" $(cut -s -d " " -f 4- <<< "$was") || loud "$release serves again, and could not be written down ($LEDGER)."
log "back to $release, by ${who:-nobody named}: ${REASON:-no reason given}"
# holdfast:end rollback
