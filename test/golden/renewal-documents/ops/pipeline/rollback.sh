#!/bin/bash
# holdfast:begin rollback
# Takes renewal-documents back to the release that is named; 15 min are promised for it.
# shellcheck source=ops/pipeline/common.sh
. ops/pipeline/common.sh
release="${1:?Which release? The tag that its images have in their registries}"
named "$release"
needs aws
at_target
called_off=no
state="$(aws cloudformation describe-stacks --stack-name renewal-documents --query 'Stacks[0].StackStatus' --output text)"
if [ "$state" = UPDATE_IN_PROGRESS ]; then
  aws cloudformation cancel-update-stack --stack-name renewal-documents
  aws cloudformation wait stack-rollback-complete --stack-name renewal-documents || stop "The stack did not come back to what it was: a person must look." 5
  called_off=yes
  remember failed called-off || true
  log "the release that was on its way was called off, by ${who:-nobody named}: ${REASON:-no reason given}"
fi
read_ledger
may_return "$release"
if [ "$called_off" = yes ] && [ "$(serving)" = "$release" ]; then exit 0; fi
was="$(awk -v want="$release" '$2 == "served" && $3 == want { line = $0 } END { print line }' <<< "$ledger")"
part() {
  local found; found="$(tr " " "\n" <<< "$was" | sed -n "s|^$1=||p")"
  [ -n "$found" ] || stop "The ledger ($LEDGER) does not say what $1 was in $release. Deploy it as a release: WAY_BACK=yes bash ops/pipeline/deploy.sh $release" 5
  echo "$found"
}
web_now="$(part renewal-documents-web)"
renderer_now="$(part renewal-documents-renderer)"
cluster="$(aws cloudformation describe-stacks --stack-name renewal-documents --query "Stacks[0].Parameters[?ParameterKey=='ClusterArn'].ParameterValue" --output text)"
# At once: no bake, no first share, and no alarm that rings because of the release that goes.
aws ecs update-service --cluster "$cluster" --service renewal-documents-web --task-definition "$web_now" --deployment-configuration 'strategy=BLUE_GREEN,bakeTimeInMinutes=0,minimumHealthyPercent=100,maximumPercent=200,deploymentCircuitBreaker={enable=true,rollback=true}' > /dev/null
aws ecs update-service --cluster "$cluster" --service renewal-documents-renderer --task-definition "$renderer_now" --deployment-configuration 'strategy=ROLLING,minimumHealthyPercent=100,maximumPercent=200,deploymentCircuitBreaker={enable=true,rollback=true}' > /dev/null
aws ecs wait services-stable --cluster "$cluster" --services renewal-documents-web renewal-documents-renderer || stop "$release is on its way back, and not stable after ten minutes: a person must look." 5
# shellcheck disable=SC2046
remember served "$release" $(cut -s -d " " -f 4- <<< "$was") || loud "$release serves again, and could not be written down ($LEDGER)."
log "back to $release, by ${who:-nobody named}: ${REASON:-no reason given}"
# holdfast:end rollback
