#!/bin/sh
# The guard of the hot paths: the instructions of an operation, as callgrind
# counts them, must not be more than guard.tsv says, but for the percents that
# stand below. And whether plots are drawn. Prints `ok NAME` or
# `FAIL NAME: why`.
#
#   sh tests/bench/test.sh       compare
#   sh tests/bench/test.sh -w    write this compiler's figures anew: make guard
#
# Other compilers make other instructions: one that is not in the table is
# compared with the nearest that is, and may take half as many again.
cd "$(dirname "$0")/../.." || exit 1
CC=${CC:-cc}
sample=build/test/plots
failed=0

# Two subjects at three sizes: each has a line of three points, and its name.
mkdir -p $sample
rm -f $sample/*.svg
for subject in limit async.h; do
    for n in 2 100 10000; do
        printf 'switch-%d\t%s\ttime\t%d.5\tns\t1.0\n' $n $subject $n
    done
done > $sample/sample.tsv
sh tests/bench/plots.sh $sample/sample.tsv $sample > $sample/log 2>&1
lines=$(grep -c 'class="s[0-9]*[a-z "].* d="M[0-9. ]*L[0-9. ]*L[0-9. ]*"' \
    $sample/switch.svg 2>/dev/null)
if [ "$lines" = 2 ] && grep -q '>async.h</text>' $sample/switch.svg &&
    grep -q '>10 000</text>' $sample/switch.svg &&
    [ "$(tail -n 1 $sample/switch.svg)" = '</svg>' ]; then
    echo 'ok plots'
else
    echo "FAIL plots: $lines lines, not 2, in $sample/switch.svg"
    failed=1
fi
if [ -f $sample/echo.svg ]; then
    echo 'FAIL plots_of_nothing: drawn from no measurement'
    failed=1
else
    echo 'ok plots_of_nothing'
fi

table=tests/bench/guard.tsv
case $("$CC" --version 2>/dev/null) in
    *clang*) family=clang ;;
    *'Free Software'*) family=gcc ;;
    *)
        echo 'skip guard: its figures are those of gcc and clang'
        exit $failed ;;
esac
compiler=$family-$("$CC" -dumpversion 2>/dev/null | sed 's/\..*//')
out=build/test/guard-$compiler

if ! command -v valgrind > /dev/null 2>&1; then
    echo 'skip guard: no valgrind'
    exit $failed
fi
case $(uname -sm) in
    'Linux x86_64') ;;
    *)
        echo 'skip guard: its figures are those of Linux on x86-64'
        exit $failed ;;
esac

# What is counted: program, benchmark, operations, and the percents by which
# it may be exceeded. Sleeping and sockets depend on how the time went.
hot='resume resume-1 20000 2
resume resume-4 20000 2
resume resume-await-4 20000 2
switch switch-2 20000 2
switch switch-100 20000 2
spawn spawn-join 10000 2
deep deep-16 10000 2
deep deep-call-1 20000 2
timeout timeout-ready 20000 2
timeout timeout-yield 20000 2
timeout timeout-later 20000 2
sleep sleep-1000000 20000 40
pipe pipe-ring 10000 5
echo echo-64 4000 20'

count()
{
    valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        --collect-atstart=no --toggle-collect=bench_measured \
        "$out/$1_async" "$2" "$3" 2>&1 > "$out/$2.out" |
        awk -v name="$2" -v count="$3" -v percent="$4" '
            / Collected : / && $NF > most { most = $NF }
            END { printf "%s\t%.1f\t%d\n", name, most / count, percent }
        ' > "$out/$2.count"
}

programs=$(echo "$hot" | awk -v out="$out" '
    !seen[$1]++ { print out "/" $1 "_async" }')
# shellcheck disable=SC2086
if ! make -s -j2 -f tests/bench/bench.mk CC="$CC" BENCH_OUT="$out" \
    $programs > "$out.log" 2>&1; then
    echo 'FAIL guard: the programs do not compile'
    cat "$out.log"
    exit 1
fi
rm -f "$out"/*.count
jobs=''
while read -r program name operations percent; do
    count "$program" "$name" "$operations" "$percent" &
    jobs="$jobs $!"
    case $jobs in *' '*' '*)
        # shellcheck disable=SC2086
        wait $jobs
        jobs='' ;;
    esac
done <<END
$hot
END
wait
echo "$hot" | while read -r program name rest; do
    cat "$out/$name.count"
done > "$out/counts.tsv"

if [ "$1" = -w ]; then
    {
        echo '# Instructions of an operation: compiler, benchmark, instructions'
        {
            grep -v -e '^#' -e "^$compiler	" $table
            cut -f1,2 "$out/counts.tsv" | sed "s/^/$compiler	/"
        } | sort -s -k1,1
    } > "$out/guard.tsv" && cp "$out/guard.tsv" $table
    exit
fi

awk -F '\t' -v failed=$failed -v compiler="$compiler" -v family="$family" '
/^#/ { next }
FILENAME == ARGV[1] {
    if (!($1 in known)) { known[$1]; order[++n] = $1 }
    most[$1, $2] = $3
    next
}
FNR == 1 {
    use = compiler in known ? compiler : ""
    for (i = n; i >= 1 && use == ""; i--) {
        if (index(order[i], family) == 1) { use = order[i] }
    }
    if (use == "") { use = order[1] }
    more = use == compiler ? 0 : 50
}
{
    if ($2 + 0 == 0) {
        print "FAIL guard_" $1 ": nothing was counted"
        failed = 1
        next
    }
    if (!((use, $1) in most)) {
        print "FAIL guard_" $1 ": not in the table: make guard"
        failed = 1
        next
    }
    limit = most[use, $1] * (1 + ($3 + more) / 100)
    if ($2 > limit) {
        printf "FAIL guard_%s: %s instructions, %s with %s; if this is " \
            "meant: make guard\n", $1, $2, most[use, $1], use
        failed = 1
    } else {
        printf "ok guard_%s\n", $1
        if (!more && $2 < most[use, $1] * (1 - $3 / 100)) {
            printf "%s takes fewer, %s for %s: make guard\n", $1, $2, \
                most[use, $1]
        }
    }
}
END { exit failed }' $table "$out/counts.tsv"
