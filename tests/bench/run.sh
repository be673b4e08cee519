#!/bin/sh
# Runs the benchmarks, prints a table, and writes a .tsv file.
#
#   sh tests/bench/run.sh PROGRAMS FILE.tsv [SUBJECT...]
#
# PROGRAMS is the directory of the compiled programs, named GROUP_SUBJECT. The
# subjects of a benchmark take turns, so that whatever else the machine does
# meets them alike. A value is the median of the repetitions; a ratio is the
# median of the ratios to the limit, each taken within one repetition. "best"
# is the lowest value, and its ratio that of the lowest values. QUICK=1 takes
# fewer and shorter repetitions. Instructions are counted when valgrind is
# there, system calls when strace is.
programs=$1
tsv=$2
shift 2
wanted=${*:-all}
groups='resume switch prefetch spawn deep sleep timeout timers jump pipe echo \
    cores http server'
case ${QUICK:-0} in
    0 | '') repetitions=5; pairs=7 ;;
    *) repetitions=1; pairs=1 ;;
esac
raw=$programs/raw.tsv

# What is going on, where somebody watches.
progress()
{
    if [ -t 2 ]; then
        printf "\r%-40s\r" "$1" >&2
    fi
}

failed=0
: > "$raw" || exit 1
rm -f "$programs"/list-*.txt

# The subjects of a group, the limit first, then async.h.
subjects_of()
{
    for program in "$programs/$1_limit" "$programs/$1_async" \
        "$programs/$1"_*; do
        subject=${program##*_}
        if [ ! -x "$program" ]; then
            continue
        fi
        case " $wanted " in
            *" $subject "* | ' all ') echo "$subject" ;;
        esac
    done | awk '!seen[$0]++'
}

# What a program can measure, asked once: list GROUP SUBJECT.
list()
{
    if [ ! -f "$programs/list-$1-$2.txt" ]; then
        "$programs/$1_$2" list > "$programs/list-$1-$2.txt"
    fi
    cat "$programs/list-$1-$2.txt"
}

# Adds what a program prints to the raw results: repetition, subject, line.
measure()
{
    "$programs/$2_$3" "$4" > "$programs/out.txt" 2> "$programs/err.txt"
    status=$?
    if [ $status -ne 0 ]; then
        echo "FAILED: $2_$3 $4: status $status $(cat "$programs/err.txt")"
        failed=1
        return
    fi
    awk -v start="$1	$3	" '{ print start $0 }' \
        "$programs/out.txt" >> "$raw"
}

# Instructions between the entry and the exit of bench_measured(). A process
# that the benchmark forked reports too, but it does not go there.
instructions()
{
    valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        --collect-atstart=no --toggle-collect=bench_measured \
        "$programs/$1_$2" "$3" "$4" 2>&1 > "$programs/ir-$2-$3.txt" |
        awk -v subject="$2" -v name="$3" -v count="$4" '
            / Collected : / && $NF > most { most = $NF }
            END {
                if (most > 0) {
                    print "1\t" subject "\t" name "\tinstructions\t" \
                        most / count "\t"
                }
            }' > "$programs/count-$2-$3.txt"
}

# System calls per request, as the difference between two numbers of them.
system_calls()
{
    for count in "$4" "$5"; do
        strace -c -o "$programs/strace-$count.txt" \
            "$programs/$1_$2" "$3" "$count" > "$programs/out.txt" 2>&1 ||
            return
    done
    awk -v subject="$2" -v name="$3" -v more=$(($5 - $4)) '
        $1 ~ /^[0-9.]+$/ && $NF != "total" {
            sum += FILENAME == ARGV[2] ? $4 : -$4
        }
        END {
            print "1\t" subject "\t" name "\tsystem-calls\t" sum / more "\t"
        }' "$programs/strace-$4.txt" "$programs/strace-$5.txt" >> "$raw"
}

for group in $groups; do
    subjects=$(subjects_of "$group")
    if [ -z "$subjects" ]; then
        continue
    fi
    if [ $group = http ] && ! command -v wrk > "$programs/out.txt" 2>&1; then
        echo 'wrk is missing: no HTTP server is measured'
        continue
    fi
    names=$(for subject in $subjects; do
        list "$group" "$subject"
    done | awk '!seen[$1]++ { print $1 }')
    for name in $names; do
        progress "$name ..."
        case $name in
            *-memory | churn-1000000 | fire-1000000 | idle-*) times=1 ;;
            churn-* | fire-* | jump-* | wake-* | cores-* | http-*)
                times=$(((repetitions + 1) / 2)) ;;
            echo-* | pipe-* | bulk-* | storm-*)
                times=$pairs ;;
            *) times=$repetitions ;;
        esac
        repetition=1
        order=$subjects
        patience=$(echo "$order" | awk 'END { print 3 * NR + 1 }')
        started=$(date +%s)
        while [ $repetition -le $times ]; do
            for subject in $order; do
                if list "$group" "$subject" | grep -q "^$name	"; then
                    measure $repetition "$group" "$subject" "$name"
                fi
            done
            # The other way round next time: none always comes first.
            order=$(echo "$order" | sed -n '1!G;h;$p')
            repetition=$((repetition + 1))
            # A machine that is slow or busy is not kept for ever.
            if [ $(($(date +%s) - started)) -ge "$patience" ]; then
                break
            fi
        done
    done
done

if command -v valgrind > "$programs/out.txt" 2>&1; then
    progress "instructions ..."
    rm -f "$programs"/count-*.txt
    for group in $groups; do
        if [ ! -x "$programs/${group}_limit" ]; then
            continue
        fi
        # The subjects side by side: counts do not depend on the load.
        for name in $(list "$group" limit |
            awk '$2 > 0 { print $1 }'); do
            case ${QUICK:-0}$name in
                0* | *resume-1 | *resume-4 | *switch-100 | *spawn-join) ;;
                *) continue ;;
            esac
            for subject in $(subjects_of "$group"); do
                count=$(list "$group" "$subject" |
                    awk -v name="$name" '$1 == name { print $2 }')
                if [ "${count:-0}" -gt 0 ]; then
                    instructions "$group" "$subject" "$name" "$count" &
                fi
            done
            wait
        done
    done
    cat "$programs"/count-*.txt >> "$raw"
else
    echo 'valgrind is missing: instructions are not counted'
fi

if command -v strace > "$programs/out.txt" 2>&1; then
    if [ "${QUICK:-0}" = 0 ]; then
        progress "system calls ..."
        while read -r group name few many; do
            for subject in $(subjects_of "$group"); do
                # The calls of other threads, but not of the clients: no way.
                if [ "$subject" = threads ]; then
                    continue
                fi
                system_calls "$group" "$subject" "$name" "$few" "$many"
            done
        done <<END
echo echo-64 2000 12000
pipe pipe-ring 2000 12000
server storm-1000 1000 4000
END
    fi
else
    echo 'strace is missing: system calls are not counted'
fi
progress ""

sh "${0%run.sh}table.sh" "$raw" "$tsv" "${0%run.sh}reach.tsv" || failed=1
if [ "$wanted" = all ] && [ -f "$programs/peers.txt" ]; then
    cp "$programs/peers.txt" "${tsv%.tsv}-peers.txt"
    echo "Compared with $(cat "$programs/peers.txt")"
    cat "$programs/missing.txt"
fi
exit $failed
