#!/bin/bash
# holdfast:begin schema
# Schema changes of performance-dashboard in models (dbt, additive): bash ops/pipeline/schema.sh STEP RELEASE
# shellcheck source=ops/pipeline/common.sh
. ops/pipeline/common.sh
step="${1:?expand, verify, backfill or contract}"
release="${2:?Which release?}"
named "$release"
at_target
read_ledger
# Whose queries must still work; empty before the first release.
SERVING_RELEASE="$(serving)"
export SERVING_RELEASE
: "${WAREHOUSE_URL:?The address of the database}"
# A change waits 2000 ms for its lock at most, because citizens wait behind it; a statement runs 60000 ms at most.
export LOCK_TIMEOUT_MS=2000 STATEMENT_TIMEOUT_MS=60000
# Clients of PostgreSQL by libpq read these (psql, Rails, Django, dbt), and so does node-postgres.
export PGOPTIONS="-c lock_timeout=2000 -c statement_timeout=60000"
case "$step" in
  expand)
    # Before any citizen meets the release: at most 10 min for the change, as long again for the proof.
    limited 10 dbt run --select tag:expand || stop "The schema step failed. No citizen has met $release; see what of the change is in place."
    log "schema: expanded for $release"
    limited 10 dbt test --select tag:published || stop "The release that serves does not work on the schema as it is, or nobody could tell. Look at citizens now: the change is in place."
    log "schema: the release that serves works on it"
    ;;
  verify)
    limited 10 dbt test --select tag:published || stop "The release that serves does not work on the schema as it is, or nobody could tell. Look at citizens now: the change is in place."
    ;;
  *) stop "There is no step $step." 2 ;;
esac
# holdfast:end schema
