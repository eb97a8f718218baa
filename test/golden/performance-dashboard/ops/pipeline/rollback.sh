#!/bin/bash
# holdfast:begin rollback
# Takes performance-dashboard back to the release that is named; 15 min are promised for it.
set -euo pipefail
WAY_BACK=yes exec bash ops/pipeline/deploy.sh "${1:?Which release served before?}"
# holdfast:end rollback
