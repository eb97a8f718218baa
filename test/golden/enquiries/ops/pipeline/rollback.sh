#!/bin/bash
# holdfast:begin rollback
# Takes enquiries-web back to the release before; 15 min are promised for it.
set -euo pipefail
kubectl rollout undo deployment/enquiries-web
kubectl rollout status deployment/enquiries-web --timeout=15m
# holdfast:end rollback
