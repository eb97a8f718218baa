#!/bin/bash
# holdfast:begin deploy
# Brings a release of renewal-documents to citizens by ECS, and waits for its end: circuit breaker and alarms take it back.
# Schema changes in db/migration (flyway) go first, as a step of their own: this script makes none.
set -euo pipefail
release="${1:?Which release? The tag that its images have in their registries}"
# The machine says where it is, never this repository: HOLDFAST_ACCOUNT is set where the pipeline runs.
here="${HOLDFAST_ACCOUNT:-unknown}"
if [ "$here" != renewals-production ]; then echo "This is $here, and renewals-production is meant. Nothing was changed." >&2; exit 1; fi
mkdir -p evidence
echo "$(date -u +%FT%TZ) release $release, by ${WHO:-nobody named}: ${REASON:-no reason given}" >> evidence/releases.txt
# The gates took their time: is the window still open? The way back needs none.
if [ "${WAY_BACK:-no}" = no ]; then npx --no-install holdfast deploy window --json > evidence/window.json; fi
# A tag cannot move in these registries, so it means one image for ever; the infrastructure takes the digest.
digest() { aws ecr describe-images --repository-name "$1" --image-ids "imageTag=$release" --query "imageDetails[0].imageDigest" --output text; }
web="$(digest renewal-documents/web)"
renderer="$(digest renewal-documents/renderer)"
trap 'aws cloudformation describe-stack-events --stack-name renewal-documents --max-items 200 > deployment.json' EXIT
# Parameters that are not named here keep their values. A stack that went back to the release before fails this command.
aws cloudformation deploy --stack-name renewal-documents --template-file ops/infrastructure/renewal-documents.template.yml --no-fail-on-empty-changeset --parameter-overrides "WebImageDigest=$web" "RendererImageDigest=$renderer"
# holdfast:end deploy
