#!/bin/bash
# holdfast:begin schema
# Schema changes of enquiries in db/migrate (rails, expand-contract): bash ops/pipeline/schema.sh STEP RELEASE
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
: "${DATABASE_URL:?The address of the database}"
# A change waits 5000 ms for its lock at most, because citizens wait behind it; a statement runs 60000 ms at most.
export LOCK_TIMEOUT_MS=5000 STATEMENT_TIMEOUT_MS=60000
# Clients of PostgreSQL by libpq read these (psql, Rails, Django, dbt), and so does node-postgres.
export PGOPTIONS="-c lock_timeout=5000 -c statement_timeout=60000"
case "$step" in
  expand)
    # Before any citizen meets the release: at most 10 min for the change, as long again for the proof.
    limited 10 bin/rails db:migrate:expand || stop "The schema step failed. No citizen has met $release; see what of the change is in place."
    log "schema: expanded for $release"
    limited 10 bin/rails queries:prove || stop "The release that serves does not work on the schema as it is, or nobody could tell. Look at citizens now: the change is in place."
    log "schema: the release that serves works on it"
    ;;
  verify)
    limited 10 bin/rails queries:prove || stop "The release that serves does not work on the schema as it is, or nobody could tell. Look at citizens now: the change is in place."
    ;;
  backfill)
    # In batches, beside citizens; the old shape stays when it is not done in 240 min.
    limited 240 bin/rails backfill:run || stop "Old data is not copied to its end. Both releases live with that; the old shape stays."
    log "schema: old data copied for $release"
    ;;
  contract)
    last="$(settled | tail -n 1)"
    case "${last#* }" in
      "contracted $release") stop "$release: done before." 0 ;;
      "contracting $release") ;;
      "served $release" | "served $release "*)
        # 60 min after it served alone nobody goes back by a switch any more; after this step nobody can.
        since=$((($(date +%s) - ${last%% *}) / 60))
        if [ "$since" -lt 60 ]; then stop "The rollback window is open: $release serves alone for $since min, and 60 are asked for. Nothing was changed."; fi
        ;;
      *) stop "The ledger ($LEDGER) does not end with: served $release. It does not serve alone, or something else is under way. Nothing was changed." ;;
    esac
    bash ops/pipeline/schema.sh backfill "$release"
    # Written down first: whatever becomes of it, an older release must not return.
    remember contracting "$release" || stop "It could not be written down ($LEDGER). Nothing was changed." 3
    limited 10 bin/rails db:migrate:contract || stop "The old shape could not be removed. Citizens do not notice; older releases may not return."
    remember contracted "$release" || loud "The contract step of $release is done, and could not be written down ($LEDGER)."
    log "schema: what only releases before $release needed is gone"
    limited 10 bin/rails queries:prove || stop "The release that serves does not work on the schema as it is, or nobody could tell. Look at citizens now: the change is in place."
    ;;
  *) stop "There is no step $step." 2 ;;
esac
# holdfast:end schema
