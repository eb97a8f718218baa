#!/bin/bash
# holdfast:begin schema
# Schema changes of benefit-assessment in db/changelog (liquibase, append-only): bash ops/pipeline/schema.sh STEP RELEASE
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
: "${DECISIONS_URL:?The address of the database}"
# A change waits 2000 ms for its lock at most, because citizens wait behind it; a statement runs 60000 ms at most.
export LOCK_TIMEOUT_MS=2000 STATEMENT_TIMEOUT_MS=60000
# Clients of PostgreSQL by libpq read these (psql, Rails, Django, dbt), and so does node-postgres.
export PGOPTIONS="-c lock_timeout=2000 -c statement_timeout=60000"
# liquibase connects by JDBC, which reads neither: its address carries them.
case "$DECISIONS_URL" in
  jdbc:*lock_timeout*) ;;
  jdbc:*\?*) export DECISIONS_URL="$DECISIONS_URL&options=-c%20lock_timeout=2000%20-c%20statement_timeout=60000" ;;
  jdbc:*) export DECISIONS_URL="$DECISIONS_URL?options=-c%20lock_timeout=2000%20-c%20statement_timeout=60000" ;;
esac
case "$step" in
  expand)
    # Before any citizen meets the release: at most 10 min for the change, as long again for the proof.
    limited 10 bin/changelog update || stop "The schema step failed. No citizen has met $release; see what of the change is in place."
    log "schema: expanded for $release"
    limited 10 bin/changelog prove || stop "The release that serves does not work on the schema as it is, or nobody could tell. Look at citizens now: the change is in place."
    log "schema: the release that serves works on it"
    ;;
  verify)
    limited 10 bin/changelog prove || stop "The release that serves does not work on the schema as it is, or nobody could tell. Look at citizens now: the change is in place."
    ;;
  *) stop "There is no step $step." 2 ;;
esac
# holdfast:end schema
