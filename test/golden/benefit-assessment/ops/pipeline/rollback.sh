#!/bin/bash
# holdfast:begin rollback
# Takes benefit-assessment back to the release that is named; 15 min are promised for it.
# shellcheck source=ops/pipeline/common.sh
. ops/pipeline/common.sh
release="${1:?Which release? The tag that its images have in their registries}"
named "$release"
needs aws
at_target
called_off=no
state="$(aws cloudformation describe-stacks --stack-name benefit-assessment --query 'Stacks[0].StackStatus' --output text)"
if [ "$state" = UPDATE_IN_PROGRESS ]; then
  aws cloudformation cancel-update-stack --stack-name benefit-assessment
  aws cloudformation wait stack-rollback-complete --stack-name benefit-assessment || stop "The stack did not come back to what it was: a person must look." 5
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
engine_now="$(part benefit-assessment-engine)"
payment_file_now="$(part benefit-assessment-payment-file)"
cluster="$(aws cloudformation describe-stacks --stack-name benefit-assessment --query "Stacks[0].Parameters[?ParameterKey=='ClusterArn'].ParameterValue" --output text)"
# At once: no bake, no first share, and no alarm that rings because of the release that goes.
aws ecs update-service --cluster "$cluster" --service benefit-assessment-engine --task-definition "$engine_now" --deployment-configuration 'strategy=BLUE_GREEN,bakeTimeInMinutes=0,minimumHealthyPercent=100,maximumPercent=200,deploymentCircuitBreaker={enable=true,rollback=true}' > /dev/null
aws ecs wait services-stable --cluster "$cluster" --services benefit-assessment-engine || stop "$release is on its way back, and not stable after ten minutes: a person must look." 5
schedule_to() {
  local task; task="$(aws ecs describe-task-definition --task-definition "$2" --query taskDefinition.taskDefinitionArn --output text)" || return
  aws scheduler get-schedule --name "$1" --output json | node -e '
    const one = JSON.parse(require("fs").readFileSync(0, "utf8"))
    for (const told of ["Arn", "CreationDate", "LastModificationDate"]) delete one[told]
    one.Target.EcsParameters.TaskDefinitionArn = process.argv[1]
    console.log(JSON.stringify(one))' "$task" > schedule.json || return
  aws scheduler update-schedule --cli-input-json file://schedule.json > /dev/null
}
schedule_to benefit-assessment-payment-file-1800 "$payment_file_now" || stop "benefit-assessment-payment-file-1800 still starts the release that goes: a person must look." 5
# shellcheck disable=SC2046
remember served "$release" $(cut -s -d " " -f 4- <<< "$was") || loud "$release serves again, and could not be written down ($LEDGER)."
log "back to $release, by ${who:-nobody named}: ${REASON:-no reason given}"
# holdfast:end rollback
