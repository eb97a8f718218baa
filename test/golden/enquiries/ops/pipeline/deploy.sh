#!/bin/bash
# holdfast:begin deploy
# Brings a release of enquiries-web to the cluster, and waits until all of its pods serve; takes it back when they do not.
# Schema changes in db/migrate (rails) go first, as a step of their own: this script makes none.
set -euo pipefail
release="${1:?Which release? The digest of its image: sha256 and 64 digits}"
# The machine says where it is, never this repository: HOLDFAST_ACCOUNT is set where the pipeline runs.
here="${HOLDFAST_ACCOUNT:-unknown}"
if [ "$here" != 'cluster enquiries-live' ]; then echo "This is $here, and cluster enquiries-live is meant. Nothing was changed." >&2; exit 1; fi
mkdir -p evidence
echo "$(date -u +%FT%TZ) release $release, by ${WHO:-nobody named}: ${REASON:-no reason given}" >> evidence/releases.txt
# The gates took their time: is the window still open? The way back needs none.
if [ "${WAY_BACK:-no}" = no ]; then npx --no-install holdfast deploy window --json > evidence/window.json; fi
# router has no file in this kit: it goes out by its own means, not by this script.
if ! [[ "$release" =~ ^sha256:[0-9a-f]{64}$ ]]; then echo "A release is named by the digest of its image." >&2; exit 2; fi
trap 'kubectl get deployment enquiries-web -o json > deployment.json' EXIT
sed "s|@sha256:[0-9a-f]*|@$release|" ops/infrastructure/web.yaml | kubectl apply -f -
# All batches fit into half of 15 min; the other half is patience.
if ! kubectl rollout status deployment/enquiries-web --timeout=15m; then
  kubectl rollout undo deployment/enquiries-web
  kubectl rollout status deployment/enquiries-web --timeout=15m
  echo "The release did not come up. Citizens are on the one before." >&2
  exit 4
fi
# holdfast:end deploy
