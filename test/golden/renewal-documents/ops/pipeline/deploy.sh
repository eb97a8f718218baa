#!/bin/bash
# holdfast:begin deploy
# Brings a release of renewal-documents to citizens by ECS, and waits for its end: circuit breaker and alarms take it back.
# shellcheck source=ops/pipeline/common.sh
. ops/pipeline/common.sh
release="${1:?Which release? The tag that its images have in their registries}"
named "$release"
needs npx aws
at_target
read_ledger
# The gates took their time: is the window still open? The way back needs none, and goes only to what served before.
if [ "${WAY_BACK:-no}" = yes ]; then may_return "$release"; else may_start; fi
log "release $release, by ${who:-nobody named}: ${REASON:-no reason given}"
# Its role may, beside changing the infrastructure: ssm:GetParameter, ssm:PutParameter, cloudwatch:DescribeAlarms, ecr:DescribeImages, ecs:DescribeServices, ecs:DescribeTaskDefinition.
# A tag cannot move in these registries, so it means one image for ever; the infrastructure takes the digest.
digest() { aws ecr describe-images --repository-name "$1" --image-ids "imageTag=$release" --query "imageDetails[0].imageDigest" --output text || true; }
web="$(digest renewal-documents/web)"
[[ "$web" =~ ^sha256: ]] || stop "There is no such release: $release. Nothing was changed."
renderer="$(digest renewal-documents/renderer)"
[[ "$renderer" =~ ^sha256: ]] || stop "There is no such release: $release. Nothing was changed."
# An alarm that rings already would take back a good release, or not be heard when a bad one comes.
ringing="$(
  aws cloudwatch describe-alarms --state-value ALARM --alarm-names renewal-documents-WebTargetsFail renewal-documents-WebTargetsSlow renewal-documents-WebTargetsAlternateFail renewal-documents-WebTargetsAlternateSlow renewal-documents-CitizensFailSubmitRenewalStart renewal-documents-CitizensFailSubmitRenewalAnswer renewal-documents-CitizensFailSubmitRenewalSubmit renewal-documents-CitizensFailSubmitRenewalReceipt --query 'MetricAlarms[].AlarmName' --output text
)"
ringing="$(tr -s '\n' ' ' <<< "${ringing//None/}" | sed 's/^ *//; s/ *$//')"
if [ -n "$ringing" ]; then
  if [ "${WAY_BACK:-no}" = no ] && [ -z "${EMERGENCY:-}${BREAK_GLASS:-}" ]; then stop "It rings before anything has begun: $ringing. Find out why first; a release that repairs it is an emergency (EMERGENCY, BREAK_GLASS). Nothing was changed."; fi
  loud "Rings already, and will not take this release back: $ringing. Watch citizens yourself."
fi
# Two changes of one schema do not go side by side.
if [[ "$(settled | tail -n 1)" == *" contracting "* ]] && [ "${WAY_BACK:-no}" = no ] && [ -z "${EMERGENCY:-}${BREAK_GLASS:-}" ]; then stop "The old shape of the schema is being removed, or that was cut short ($LEDGER): finish it first (bash ops/pipeline/schema.sh contract $(serving)). Nothing was changed."; fi
# The schema is widened while the old release serves, and proven to be good for it. Going back widens nothing.
if [ "${WAY_BACK:-no}" = no ]; then bash ops/pipeline/schema.sh expand "$release"; fi
remember begun "$release" || stop "It could not be written down ($LEDGER). No release was moved." 3
trap 'echo "Interrupted: the platform goes on by itself. See what it does, or take it back: bash ops/pipeline/rollback.sh" >&2; exit 130' INT TERM
trap 'aws cloudformation describe-stack-events --stack-name renewal-documents --max-items 200 > deployment.json' EXIT
# Parameters that are not named here keep their values. This command waits for an hour at most, and a release may bake for longer.
aws cloudformation deploy --stack-name renewal-documents --template-file ops/infrastructure/renewal-documents.template.yml --no-fail-on-empty-changeset --parameter-overrides "WebImageDigest=$web" "RendererImageDigest=$renderer" || echo "Not at its good end; the stack itself is asked." >&2
while :; do
  state="$(aws cloudformation describe-stacks --stack-name renewal-documents --query "Stacks[0].StackStatus" --output text)"
  case "$state" in *_IN_PROGRESS) sleep "${POLL_SECONDS:-30}" ;; *) break ;; esac
done
holds="$(aws cloudformation describe-stacks --stack-name renewal-documents --query "Stacks[0].Parameters[?ParameterKey=='WebImageDigest'].ParameterValue" --output text)"
if [ "$holds" != "$web" ] || { [ "$state" != UPDATE_COMPLETE ] && [ "$state" != CREATE_COMPLETE ]; }; then
  remember failed "$release" || true
  stop "$release did not come out: the stack is in $state and holds $holds. Citizens are on the release before, unless deployment.json says that going back failed." 4
fi
# What each part runs now: the way back names it, and needs no deployment that a ringing alarm or a bake would hold up.
cluster="$(aws cloudformation describe-stacks --stack-name renewal-documents --query "Stacks[0].Parameters[?ParameterKey=='ClusterArn'].ParameterValue" --output text)"
web_now="$(aws ecs describe-services --cluster "$cluster" --services renewal-documents-web --query 'services[0].taskDefinition' --output text)"
renderer_now="$(aws ecs describe-services --cluster "$cluster" --services renewal-documents-renderer --query 'services[0].taskDefinition' --output text)"
# What really runs, and not what a stack believes: after a way back the stack holds the release that went.
[[ "$(aws ecs describe-task-definition --task-definition "$web_now" --query 'taskDefinition.containerDefinitions[].image' --output text)" == *"@$web"* ]] || stop "renewal-documents-web runs another image than $release, although its stack is in order. Bring this release out under a new tag." 5
[[ "$(aws ecs describe-task-definition --task-definition "$renderer_now" --query 'taskDefinition.containerDefinitions[].image' --output text)" == *"@$renderer"* ]] || stop "renewal-documents-renderer runs another image than $release, although its stack is in order. Bring this release out under a new tag." 5
remember served "$release" "renewal-documents-web=${web_now##*/}" "renewal-documents-renderer=${renderer_now##*/}" || stop "$release serves, and could not be written down ($LEDGER): without that it may not return later. Write it down: bash -c '. ops/pipeline/common.sh; remember served $release'" 5
log "release $release serves"
# holdfast:end deploy
