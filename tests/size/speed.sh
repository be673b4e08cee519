#!/bin/sh
# What async.h takes in time and stack on microcontrollers, beside a super-loop
# and protothreads by hand: runs tests/size/speed/ in emulators, and writes a
# table, and build/boards.tsv. Called by `make size`.
cd "$(dirname "$0")/../.." || exit 1
. tests/firmware/boards.sh
tsv=build/boards.tsv
raw=$out/speed.txt
: > $raw

build_runner
for board in $boards; do
    lack=$(missing "$board")
    if [ -n "$lack" ]; then
        echo "$board is left out: no $lack"
        continue
    fi
    make -s -f tests/firmware/firmware.mk BOARDS="$board" speeds || exit 1
    # An instruction of the Cortex-M takes 2^10 ns: see speed.h.
    shift=10
    [ "$board" = virt ] && shift=0
    for kind in superloop protothread async; do
        if ! emulate "$board" $out/$board/speed-$kind.elf /dev/null $shift \
                > $out/speed.log; then
            echo "$board: speed-$kind failed"
            exit 1
        fi
        sed "s/^/$board $kind /" $out/speed.log >> $raw
    done
done

LC_ALL=C awk -v tsv=$tsv '
FILENAME == ARGV[1] {
    if ($0 !~ /^#/) { reach[$1, $2] = $3 }
    next
}
{
    if (!(($1, $3) in row)) { row[$1, $3]; rows[++n] = $1 SUBSEP $3 }
    value[$1, $3, $2] = $4
}
END {
    print "board\twhat\tsuperloop\tprotothread\tasync.h\treach" > tsv
    printf "\n%-11s %-8s %9s %11s %8s   %s\n", "board", "", "superloop", \
        "protothread", "async.h", "to reach"
    for (i = 1; i <= n; i++) {
        split(rows[i], part, SUBSEP)
        board = part[1]; what = part[2]
        mine = value[board, what, "async"]
        wanted = (board, what) in reach ? "<= " reach[board, what] : ""
        printf "%-11s %-8s %9s %11s %8s   %s\n", board, what, \
            value[board, what, "superloop"], \
            value[board, what, "protothread"], mine, wanted == "" ? "" : \
            wanted (mine <= reach[board, what] + 0 ? "  yes" : "  NO")
        printf "%s\t%s\t%s\t%s\t%s\t%s\n", board, what, \
            value[board, what, "superloop"], \
            value[board, what, "protothread"], mine, wanted > tsv
    }
    print "cycles on the ATmega328P, instructions on the others, bytes of " \
        "stack; what is what:"
    print "tests/size/speed/speed.h. Written to " tsv
}' tests/size/speed/reach.tsv $raw
