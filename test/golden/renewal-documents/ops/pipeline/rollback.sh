#!/bin/bash
# holdfast:begin rollback
# Takes renewal-documents back to the release that is named; 15 min are promised for it.
set -euo pipefail
state="$(aws cloudformation describe-stacks --stack-name renewal-documents --query 'Stacks[0].StackStatus' --output text)"
if [ "$state" = UPDATE_IN_PROGRESS ]; then
  aws cloudformation cancel-update-stack --stack-name renewal-documents
  aws cloudformation wait stack-rollback-complete --stack-name renewal-documents
  exit 0
fi
WAY_BACK=yes exec bash ops/pipeline/deploy.sh "${1:?Which release served before?}"
# holdfast:end rollback
