#!/bin/bash
# holdfast:begin deploy
# Brings a release of enquiries-web to the cluster, and waits until all of its pods serve; takes it back when they do not.
# shellcheck source=ops/pipeline/common.sh
. ops/pipeline/common.sh
release="${1:?Which release? The digest of its image: sha256 and 64 digits}"
named "$release"
needs npx kubectl
at_target
read_ledger
# The gates took their time: is the window still open? The way back needs none, and goes only to what served before.
if [ "${WAY_BACK:-no}" = yes ]; then may_return "$release"; else may_start; fi
log "release $release, by ${who:-nobody named}: ${REASON:-no reason given}"
# router has no file in this kit: it goes out by its own means, not by this script.
[[ "$release" =~ ^sha256:[0-9a-f]{64}$ ]] || stop "A release is named by the digest of its image. Nothing was changed." 2
# Two changes of one schema do not go side by side.
if [[ "$(settled | tail -n 1)" == *" contracting "* ]] && [ "${WAY_BACK:-no}" = no ] && [ -z "${EMERGENCY:-}${BREAK_GLASS:-}" ]; then stop "The old shape of the schema is being removed, or that was cut short ($LEDGER): finish it first (bash ops/pipeline/schema.sh contract $(serving)). Nothing was changed."; fi
# The schema is widened while the old release serves, and proven to be good for it. Going back widens nothing.
if [ "${WAY_BACK:-no}" = no ]; then bash ops/pipeline/schema.sh expand "$release"; fi
remember begun "$release" || stop "It could not be written down ($LEDGER). No release was moved." 3
trap 'echo "Interrupted: the platform goes on by itself. See what it does, or take it back: bash ops/pipeline/rollback.sh" >&2; exit 130' INT TERM
trap 'kubectl get deployment enquiries-web -o json > deployment.json' EXIT
sed "s|@sha256:[0-9a-f]*|@$release|" ops/infrastructure/web.yaml | kubectl apply -f - || { remember failed "$release" || true; stop "The cluster did not take it. Nothing was moved." 3; }
# All batches fit into half of 15 min; the other half is patience.
if ! kubectl rollout status deployment/enquiries-web --timeout=15m; then
  kubectl rollout undo deployment/enquiries-web || stop "$release did not come up, and there is no release before it to go back to: a person must look." 5
  kubectl rollout status deployment/enquiries-web --timeout=15m || stop "$release did not come up, and going back is not done either: a person must look." 5
  remember failed "$release" || true
  stop "The release did not come up. Citizens are on the one before." 4
fi
remember served "$release" || stop "$release serves, and could not be written down ($LEDGER): without that it may not return later. Write it down: bash -c '. ops/pipeline/common.sh; remember served $release'" 5
log "release $release serves"
# holdfast:end deploy
