#!/bin/bash
# holdfast:begin deploy
# Brings a release of benefit-assessment to citizens by ECS, and waits for its end: circuit breaker and alarms take it back.
# Schema changes in db/changelog (liquibase) go first, as a step of their own: this script makes none.
set -euo pipefail
release="${1:?Which release? The tag that its images have in their registries}"
# The machine says where it is, never this repository: HOLDFAST_ACCOUNT is set where the pipeline runs.
here="${HOLDFAST_ACCOUNT:-unknown}"
if [ "$here" != assessment-production ]; then echo "This is $here, and assessment-production is meant. Nothing was changed." >&2; exit 1; fi
mkdir -p evidence
echo "$(date -u +%FT%TZ) release $release, by ${WHO:-nobody named}: ${REASON:-no reason given}" >> evidence/releases.txt
# The gates took their time: is the window still open? The way back needs none.
if [ "${WAY_BACK:-no}" = no ]; then npx --no-install holdfast deploy window --json > evidence/window.json; fi
# A tag cannot move in these registries, so it means one image for ever; the infrastructure takes the digest.
digest() { aws ecr describe-images --repository-name "$1" --image-ids "imageTag=$release" --query "imageDetails[0].imageDigest" --output text; }
engine="$(digest benefit-assessment/engine)"
payment_file="$(digest benefit-assessment/payment-file)"
trap 'aws cloudformation describe-stack-events --stack-name benefit-assessment --max-items 200 > deployment.json' EXIT
# Parameters that are not named here keep their values.
(cd ops/infrastructure && npx cdk deploy benefit-assessment --require-approval never --parameters "benefit-assessment:EngineImageDigest=$engine" --parameters "benefit-assessment:PaymentFileImageDigest=$payment_file")
# holdfast:end deploy
