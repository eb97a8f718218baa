#!/bin/bash
# holdfast:begin deploy
# Brings a release of performance-dashboard to citizens by Lambda, and waits for its end: CodeDeploy moves the aliases, and back on alarm.
# Schema changes in models (dbt) go first, as a step of their own: this script makes none.
set -euo pipefail
release="${1:?Which release? The folder of its packages in the bucket of code}"
# The machine says where it is, never this repository: HOLDFAST_ACCOUNT is set where the pipeline runs.
here="${HOLDFAST_ACCOUNT:-unknown}"
if [ "$here" != dashboard-live ]; then echo "This is $here, and dashboard-live is meant. Nothing was changed." >&2; exit 1; fi
mkdir -p evidence
echo "$(date -u +%FT%TZ) release $release, by ${WHO:-nobody named}: ${REASON:-no reason given}" >> evidence/releases.txt
# The gates took their time: is the window still open? The way back needs none.
if [ "${WAY_BACK:-no}" = no ]; then npx --no-install holdfast deploy window --json > evidence/window.json; fi
# site is made of files: it is published by its own means, not by this script.
bucket="${CODE_BUCKET:?The bucket of code}"
# A version of an object can never mean another package.
version() { aws s3api head-object --bucket "$bucket" --key "$1" --query VersionId --output text; }
loader="$(version "$release/loader.zip")"
loader_key="$release/loader.zip"
recount="$(version "$release/recount.zip")"
recount_key="$release/recount.zip"
terraform -chdir=ops/infrastructure/performance-dashboard init -input=false
trap 'printf "{\"release\":\"%s\",\"exit\":%d}\n" "$release" "$?" > deployment.json' EXIT
# What else the configuration asks for stands in ops/infrastructure/performance-dashboard/production.auto.tfvars.
terraform -chdir=ops/infrastructure/performance-dashboard apply -input=false -auto-approve -lock-timeout=5m -var "loader_code_version=$loader" -var "loader_code_key=$loader_key" -var "recount_code_version=$recount" -var "recount_code_key=$recount_key"
# holdfast:end deploy
