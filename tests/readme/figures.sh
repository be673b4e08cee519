#!/bin/sh
# make figures: writes the tables between the README's markers from what
# `make bench` and `make size` measured, and `make test` compiled. Without a measurement, its table
# stays as it is.
cd "$(dirname "$0")/../.." || exit 1
bench=build/bench.tsv
peers=build/bench-peers.txt
size=build/size.tsv
boards=build/boards.tsv
compilers=build/compilers.tsv
new=build/figures
mkdir -p build

# One row a benchmark, but for some of the timers': the limit, async.h with its
# ratio to that and what is to be reached, then a column for each peer that was
# installed.
speed()
{
    LC_ALL=C awk -F '\t' '
    function short(x) {
        return sprintf(x >= 100 ? "%.0f" : x >= 10 ? "%.1f" : "%.2f", x)
    }
    function cell(subject) {
        return (row, subject) in value ? short(value[row, subject]) : ""
    }
    /^#/ || FNR == 1 { next }
    FILENAME == ARGV[1] { of[$1, $2] = $3; reach[$1, $2] = $4; next }
    $3 ~ /-best$/ { next }
    # What a plot shows in full.
    $1 ~ /^(churn|fire)-/ && $1 !~ /-(1000|1000000)$/ { next }
    {
        row = $1 SUBSEP $3
        if (!(row in unit)) { rows[++n] = row }
        unit[row] = $5
        value[row, $2] = $4
        ratio[row, $2] = $6
        measured[$2]
    }
    END {
        m = split("C++20 libev libuv libevent uvloop asyncio threads", all, " ")
        for (k = 1; k <= m; k++) {
            if (all[k] in measured) { peers[++p] = all[k] }
        }
        line = "| work | limit | async.h | ratio | to reach |"
        rule = "|---|---:|---:|---:|---|"
        for (k = 1; k <= p; k++) {
            line = line " " peers[k] " |"
            rule = rule "---:|"
        }
        print line
        print rule
        for (i = 1; i <= n; i++) {
            row = rows[i]
            if (!((row, "async.h") in value)) { continue }
            split(row, part, SUBSEP)
            times = ratio[row, "async.h"]
            wanted = ""
            if (row in reach) {
                got = of[row] == "ratio" ? times : value[row, "async.h"]
                wanted = "<= " reach[row] (of[row] == "ratio" ? " x" : "") \
                    (got + 0 <= reach[row] + 0 ? ": yes" : ": **no**")
            }
            printf "| %s: %s | %s | %s | %s | %s |", part[1], \
                part[2] (unit[row] == "" ? "" : ", " unit[row]), \
                cell("limit"), cell("async.h"), \
                times == "" ? "" : sprintf("%.2f", times), wanted
            for (k = 1; k <= p; k++) { printf " %s |", cell(peers[k]) }
            print ""
        }
    }' tests/bench/reach.tsv $bench
    if [ -s $peers ]; then
        echo
        # Lines as long as the rest of the text has them.
        echo "Compared with $(cat $peers)." | fold -s -w 79 | sed 's/ *$//'
    fi
}

# One row a program, one column a target: flash / RAM, and what is to be
# reached behind it where that is named.
bytes()
{
    LC_ALL=C awk -F '\t' '
    NR == 1 || NF < 4 { next }
    {
        if (!($1 in column)) { column[$1]; columns[++c] = $1 }
        if (!($2 in row)) { row[$2]; rows[++r] = $2 }
        what = $3 == "" ? $4 : $3 " / " $4
        cell[$2, $1] = what ($7 == "" ? "" : " (" $7 ")")
    }
    END {
        line = "| bytes: flash / RAM |"
        rule = "|---|"
        for (i = 1; i <= c; i++) {
            line = line " " columns[i] " |"
            rule = rule "---:|"
        }
        print line
        print rule
        for (k = 1; k <= r; k++) {
            line = "| " rows[k] " |"
            for (i = 1; i <= c; i++) {
                line = line " " cell[rows[k], columns[i]] " |"
            }
            print line
        }
    }' $size
}

# One row a measure, one column a board: super-loop / protothread / async.h.
cycles()
{
    LC_ALL=C awk -F '\t' '
    NR == 1 { next }
    {
        if (!($1 in column)) { column[$1]; columns[++c] = $1 }
        if (!($2 in row)) { row[$2]; rows[++r] = $2 }
        cell[$2, $1] = $3 " / " $4 " / " $5 ($6 == "" ? "" : " (" $6 ")")
    }
    END {
        line = "| super-loop / protothread / async.h |"
        rule = "|---|"
        for (i = 1; i <= c; i++) {
            line = line " " columns[i] " |"
            rule = rule "---:|"
        }
        print line
        print rule
        for (k = 1; k <= r; k++) {
            line = "| " rows[k] " |"
            for (i = 1; i <= c; i++) {
                line = line " " cell[rows[k], columns[i]] " |"
            }
            print line
        }
    }' $boards
}

# The columns as the test wrote them.
compiled()
{
    awk -F '\t' '
    {
        line = "|"
        for (i = 1; i <= NF; i++) { line = line " " $i " |" }
        print line
    }
    NR == 1 { gsub(/[^\t]+/, "---"); gsub(/\t/, "|"); print "|" $0 "|" }
    ' $compilers
}

: > $new.speed
: > $new.size
: > $new.boards
: > $new.compilers
if [ -f $bench ]; then
    speed > $new.speed
else
    echo "no $bench: run make bench"
fi
if [ -f $size ]; then
    bytes > $new.size
else
    echo "no $size: run make size"
fi
if [ -f $boards ]; then
    cycles > $new.boards
else
    echo "no $boards: run make size"
fi
if [ -f $compilers ]; then
    compiled > $new.compilers
else
    echo "no $compilers: run make test FULL=1 ONLY=compilers"
fi
awk -v speed=$new.speed -v size=$new.size -v boards=$new.boards \
    -v compilers=$new.compilers '
function paste(file,    line) {
    while ((getline line < file) > 0) { text = text line "\n" }
    close(file)
    if (text != "") { printf "\n%s\n", text; drop = 1 }
    text = ""
}
/^<!-- figures:speed -->/ { drop = 0; print; paste(speed); next }
/^<!-- figures:size -->/ { drop = 0; print; paste(size); next }
/^<!-- figures:boards -->/ { drop = 0; print; paste(boards); next }
/^<!-- figures:compilers -->/ { drop = 0; print; paste(compilers); next }
/^<!-- figures:end -->/ { drop = 0 }
!drop { print }
' README.md > $new.md && cp $new.md README.md
echo 'README.md: the figures are written'
