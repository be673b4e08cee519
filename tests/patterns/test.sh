#!/bin/sh
# Is each pattern of demos/patterns.tsv shown by something that runs? A demo has
# a transcript that demos/test.sh compares; a test is in its file.
cd "$(dirname "$0")/../.." || exit 1
table=demos/patterns.tsv
failures=0

# The rows that the core is to show; the others need descriptors, threads, or a
# library.
rows="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26
    27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50
    51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74
    83 84 85 90 91 92 93 94 95 96 97 98 99 100 101 102 104 105 106 107 108 109
    111 115 116"

fail() {
    echo "FAIL pattern_$1: $2"
    failures=$((failures + 1))
}

# Why does this show nothing? Silence if it does.
missing() {
    case $1 in
    tests/*:*)
        grep -q "^TEST(${1#*:})" "${1%%:*}" 2>/dev/null || echo "no test $1" ;;
    tests/*)
        [ -f "$1" ] || echo "no test $1" ;;
    *)
        [ -f "demos/$1.c" ] || echo "no demo $1"
        [ -s "demos/expect/$1.txt" ] || [ -s "demos/drive/$1.sh" ] \
            || echo "no transcript of $1" ;;
    esac
}

for row in $rows; do
    count=$(grep -c "^$row	" $table)
    if [ "$count" -ne 1 ]; then
        fail "$row" "it stands $count times in $table"
        continue
    fi
    shown=$(grep "^$row	" $table | cut -f3)
    why=''
    for one in $shown; do
        why="$why$(missing "$one")"
    done
    if [ -z "$shown" ]; then
        fail "$row" "nothing shows it"
    elif [ -n "$why" ]; then
        fail "$row" "$why"
    else
        echo "ok pattern_$row"
    fi
done

# And does a reader find each demo?
for demo in demos/*.c; do
    if grep -q "($demo)" README.md; then
        echo "ok linked_$(basename "$demo" .c)"
    else
        echo "FAIL linked_$(basename "$demo" .c): the README does not mention it"
        failures=$((failures + 1))
    fi
done
[ $failures -eq 0 ]
