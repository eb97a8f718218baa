#!/bin/bash
# holdfast:begin rollback
# Takes pq-tracker-web back to the release before; 15 min are promised for it.
set -euo pipefail
kubectl rollout undo deployment/pq-tracker-web
kubectl rollout status deployment/pq-tracker-web --timeout=15m
# holdfast:end rollback
