#!/bin/bash
# holdfast:begin rollback
# Takes enquiries-web back to the release before; 15 min are promised for it.
# shellcheck source=ops/pipeline/common.sh
. ops/pipeline/common.sh
needs kubectl
at_target
read_ledger
if [[ "$(settled | tail -n 1)" == *" contract"* ]] && [ -z "${BREAK_GLASS:-}" ]; then
  stop "The database has lost what the release before needs ($LEDGER). Go forward with a release on the one that serves; who knows better: BREAK_GLASS=\"why\". Nothing was changed."
fi
kubectl rollout undo deployment/enquiries-web
kubectl rollout status deployment/enquiries-web --timeout=15m || stop "Going back is not done: a person must look." 5
now="$(kubectl get deployment enquiries-web -o 'jsonpath={.spec.template.spec.containers[0].image}')"
remember served "${now##*@}" || loud "${now##*@} serves again, and could not be written down ($LEDGER)."
log "back to ${now##*@}, by ${who:-nobody named}: ${REASON:-no reason given}"
# holdfast:end rollback
