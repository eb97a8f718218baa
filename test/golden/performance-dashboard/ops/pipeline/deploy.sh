#!/bin/bash
# holdfast:begin deploy
# Brings a release of performance-dashboard to citizens by Lambda, and waits for its end: CodeDeploy moves the aliases, and back on alarm.
# shellcheck source=ops/pipeline/common.sh
. ops/pipeline/common.sh
release="${1:?Which release? The folder of its packages in the bucket of code}"
named "$release"
needs npx aws terraform
at_target
read_ledger
# The gates took their time: is the window still open? The way back needs none, and goes only to what served before.
if [ "${WAY_BACK:-no}" = yes ]; then may_return "$release"; else may_start; fi
log "release $release, by ${who:-nobody named}: ${REASON:-no reason given}"
# Its role may, beside changing the infrastructure: ssm:GetParameter, ssm:PutParameter, cloudwatch:DescribeAlarms, s3:GetObject, lambda:GetAlias, lambda:GetFunctionConfiguration, s3:PutObject, cloudfront:ListDistributions, cloudfront:CreateInvalidation.
bucket="${CODE_BUCKET:?The bucket of code}"
# A version of an object can never mean another package.
version() { aws s3api head-object --bucket "$bucket" --key "$1" --query VersionId --output text || true; }
loader="$(version "$release/loader.zip")"
[[ "$loader" =~ ^[^[:space:]]{5,}$ ]] || stop "There is no such release: $release. Nothing was changed."
loader_key="$release/loader.zip"
recount="$(version "$release/recount.zip")"
[[ "$recount" =~ ^[^[:space:]]{5,}$ ]] || stop "There is no such release: $release. Nothing was changed."
recount_key="$release/recount.zip"
site="${SITE_FILES_BUCKET:?The bucket of the files of site}"
aws s3api head-object --bucket "$bucket" --key "$release/site/index.html" > /dev/null || stop "There is no such release of site: $release. Nothing was changed."
# A prefix that is complete is never written again: what a release is cannot change after it was looked at.
if ! aws s3api head-object --bucket "$site" --key "published/$release" > /dev/null 2>&1; then
  aws s3 cp --recursive --only-show-errors --cache-control "max-age=300" "s3://$bucket/$release/site/" "s3://$site/releases/$release/" || stop "The files of site could not be published. No citizen sees any of them." 3
  echo "$release" | aws s3 cp --only-show-errors - "s3://$site/published/$release" || stop "It could not be written down that the files are complete. No citizen sees any of them." 3
fi
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
# An alarm that rings already would take back a good release, or not be heard when a bad one comes.
ringing="$(
  aws cloudwatch describe-alarms --state-value ALARM --alarm-names performance-dashboard-LoaderFail performance-dashboard-RecountFail --query 'MetricAlarms[].AlarmName' --output text
  aws cloudwatch describe-alarms --region us-east-1 --state-value ALARM --alarm-names performance-dashboard-SiteFail performance-dashboard-SiteMissing --query 'MetricAlarms[].AlarmName' --output text
)"
ringing="$(tr -s '\n' ' ' <<< "${ringing//None/}" | sed 's/^ *//; s/ *$//')"
if [ -n "$ringing" ]; then
  if [ "${WAY_BACK:-no}" = no ] && [ -z "${EMERGENCY:-}${BREAK_GLASS:-}" ]; then stop "It rings before anything has begun: $ringing. Find out why first; a release that repairs it is an emergency (EMERGENCY, BREAK_GLASS). Nothing was changed."; fi
  loud "Rings already, and will not take this release back: $ringing. Watch citizens yourself."
fi
# The schema is widened while the old release serves, and proven to be good for it. Going back widens nothing.
if [ "${WAY_BACK:-no}" = no ]; then bash ops/pipeline/schema.sh expand "$release"; fi
remember begun "$release" || stop "It could not be written down ($LEDGER). No release was moved." 3
trap 'echo "Interrupted: the platform goes on by itself. See what it does, or take it back: bash ops/pipeline/rollback.sh" >&2; exit 130' INT TERM
trap 'printf "{\"release\":\"%s\",\"exit\":%d}\n" "$release" "$?" > deployment.json' EXIT
terraform -chdir=ops/infrastructure/performance-dashboard init -input=false || stop "Terraform could not begin. No release was moved." 3
# What else the configuration asks for stands in ops/infrastructure/performance-dashboard/production.auto.tfvars.
terraform -chdir=ops/infrastructure/performance-dashboard apply -input=false -auto-approve -lock-timeout=5m -var "loader_code_version=$loader" -var "loader_code_key=$loader_key" -var "recount_code_version=$recount" -var "recount_code_key=$recount_key" || { remember failed "$release" || true; stop "Terraform did not come to a good end: the platform takes $release back, or never began. See what serves." 4; }
before="$(serving)"
before="${before:-$release}"
if ! site_to "$release" "$before"; then remember failed "$release" || true; if [ "$before" != "$release" ] && WHO="${who:-deploy.sh}" REASON="taken back by its alarms" bash ops/pipeline/rollback.sh "$before"; then stop "The switch of site failed. Everything is back on $before." 4; fi; stop "The switch of site failed half way: a person must look." 5; fi
# Watched for 10 min, every half minute; 15 min are promised for the way back.
unseen=0
for _ in $(seq 20); do
  rings="$(aws cloudwatch describe-alarms --region us-east-1 --state-value ALARM --alarm-names performance-dashboard-SiteFail performance-dashboard-SiteMissing --query 'MetricAlarms[].AlarmName' --output text)" || { rings=""; unseen=$((unseen + 1)); }
  # Not to see is no good sign: two and a half minutes of it are too many.
  if [ "$unseen" -ge 5 ]; then rings="the alarms cannot be asked"; fi
  if [ -n "$rings" ] && [ "$rings" != None ] && [ "${WAY_BACK:-no}" = no ] && [ -z "$ringing" ]; then
    remember failed "$release" || true
    if [ "$before" != "$release" ] && WHO="${who:-deploy.sh}" REASON="taken back by its alarms" bash ops/pipeline/rollback.sh "$before"; then stop "$release was taken back: $rings." 4; fi
    stop "It rings ($rings), and there is nothing to go back to by itself: a person must look." 5
  fi
  sleep "${POLL_SECONDS:-30}"
done
# Which version each alias means now: the way back moves the alias, and needs no deployment that a ringing alarm would stop.
loader_now="$(aws lambda get-alias --function-name performance-dashboard-loader --name live --query FunctionVersion --output text)"
recount_now="$(aws lambda get-alias --function-name performance-dashboard-recount --name live --query FunctionVersion --output text)"
# What really runs, and not what a stack believes: after a way back the stack holds the release that went.
[ "$(aws lambda get-function-configuration --function-name performance-dashboard-loader --query CodeSha256 --output text)" = "$(aws lambda get-function-configuration --function-name performance-dashboard-loader --query CodeSha256 --output text --qualifier live)" ] || stop "performance-dashboard-loader answers with other code than $release, although its stack is in order. Bring this release out with a new package." 5
[ "$(aws lambda get-function-configuration --function-name performance-dashboard-recount --query CodeSha256 --output text)" = "$(aws lambda get-function-configuration --function-name performance-dashboard-recount --query CodeSha256 --output text --qualifier live)" ] || stop "performance-dashboard-recount answers with other code than $release, although its stack is in order. Bring this release out with a new package." 5
remember served "$release" "performance-dashboard-loader=$loader_now" "performance-dashboard-recount=$recount_now" || stop "$release serves, and could not be written down ($LEDGER): without that it may not return later. Write it down: bash -c '. ops/pipeline/common.sh; remember served $release'" 5
log "release $release serves"
# holdfast:end deploy
