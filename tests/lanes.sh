# lanes: commands beside one another, as many at a time as JOBS says (the
# processors there are, where it says nothing). Sourced; $out is a folder.
#
#   lane COMMAND...     runs it, beside others
#   lanes_end           waits for all, prints what they have said, in the order
#                       of their beginnings; false if a line begins with FAIL
lane_jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
lane_count=0

lane() {
    lane_count=$((lane_count + 1))
    ("$@") > "$out/lane.$lane_count" 2>&1 &
    [ $((lane_count % lane_jobs)) -ne 0 ] || wait
}

lanes_end() {
    wait
    lane_at=0
    while [ $lane_at -lt $lane_count ]; do
        lane_at=$((lane_at + 1))
        cat "$out/lane.$lane_at"
    done > "$out/lanes.txt"
    rm -f "$out"/lane.[0-9]*
    lane_count=0
    cat "$out/lanes.txt"
    ! grep -q '^FAIL' "$out/lanes.txt"
}
