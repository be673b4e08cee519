#!/bin/sh
# The one test command, called by `make test`: runs every part of the tests,
# as many at a time as keep the processors busy, prints what is not ok, and at
# last a line `N passed, N failed`.
#
#   FULL=1   every configuration and the slow tests (CI does so)
#   ONLY=x   only the parts whose name contains x: one of tests/configs, or a
#            folder of tests/ with a test.sh
#   JOBS=n   so many processors; those of the machine, if it is not given
#   CI=true  a skipped tool is a failure
#
# A part is told in JOBS how many compilers it may run at a time.
CC=${CC:-cc}
export CC
out=build/test

# file NAME: what a part's files begin with. Its lines are in build/test/*.log;
# this run's own folder has them too, and what is printed of them, .say.
file() {
    printf %s "$1" | tr ' /+' '___'
}

# ---- one part: sh tests/run.sh --part NAME FOLDER ----------------------------

# Two runs may be at work in one tree: each part's files are of one at a time.
own() {
    until mkdir "$1" 2>/dev/null; do
        owner=$(cat "$1/owner" 2>/dev/null)
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            rm -rf "$1"
        else
            sleep 1
        fi
    done
    echo $$ > "$1/owner"
}

# unit NAME INCLUDE COMPILER FLAGS...: the unit tests in one configuration
unit() {
    name=$1 include=$2
    shift 2
    what="$*" more=''
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skip unit_$name: no $1"
        return
    fi
    mkdir -p "$out/$name"
    echo 'int main(void) { return 0; }' > "$out/$name/probe.c"
    # shellcheck disable=SC2046
    if ! $(echo "$what" | sed 's/-x c++//') -o "$out/$name/probe" \
            "$out/$name/probe.c" >/dev/null 2>&1; then
        echo "skip unit_$name: $what does not link"
        return
    fi
    case "$*" in
        *c++*)
            more='-Wno-missing-field-initializers -Wno-missing-braces'
            more="$more -Wno-shadow"
            ;;
    esac
    warn="-Wall -Wextra -Wpedantic -Wshadow -Wconversion $more -Werror"
    case $1 in tcc) warn=-Wall ;; esac
    make -s -j"$JOBS" -f tests/unit.mk NAME="$name" INCLUDE="$include" \
        COMPILER="$what" WARN="$warn" LIBS=-lpthread \
        HEADERS="$(echo src/*.h src/*.c | tr '\n' ' ')" || return 1
    # shellcheck disable=SC2086
    ASAN_OPTIONS=detect_leaks=1 timeout 300 $WRAP "$out/$name/unit" $LESS
}

valgrind_unit() {
    if ! command -v valgrind >/dev/null 2>&1; then
        echo 'skip unit_valgrind: no valgrind'
        return
    fi
    WRAP='valgrind -q --error-exitcode=9 --leak-check=full'
    # Where descriptors run out, it takes a connection and closes it. Nor can an
    # exec fail there for too long a list. A child of a fork has lost what was
    # its parent's other threads' own.
    LESS='-without_descriptors -arguments_too_long -child_of_fork'
    unit valgrind . gcc -std=c99 -O0 -g
}

part() {
    case $1 in
    'unit valgrind')
        valgrind_unit ;;
    'unit threads')
        # Races between threads. (Signals come late there, if they come; and
        # no threads may be started in the child of a fork.)
        LESS='-signal -process -child_of_fork'
        unit threads src gcc -std=c99 -O1 -g -fsanitize=thread ;;
    'unit '*)
        line=$(awk -v name="${1#unit }" '$2 == name' tests/configs)
        # shellcheck disable=SC2086
        unit ${line#* } ;;
    *)
        sh "tests/$1/test.sh" ;;
    esac
}

if [ "$1" = --part ]; then
    this=$2
    base=$out/$(file "$this") say=$3/$(file "$this")
    own "$base.busy"
    trap 'rm -rf "$base.busy"' EXIT
    trap 'exit 1' INT TERM HUP
    began=$(date +%s)
    part "$this" > "$base.new" 2>&1
    status=$?
    tr -d '\000' < "$base.new" > "$base.log"
    took=$(($(date +%s) - began))
    times > "$base.new"
    computed=$(tr ms '  ' < "$base.new" | awk 'NR == 2 {
        printf "%.0f", 60 * ($1 + $3) + $2 + $4 }')
    passed=$(grep -c '^ok ' "$base.log")
    failed=$(grep -c '^FAIL ' "$base.log")
    skips=$(sed -n 's/^skip //p' "$base.log" | sort -u | tr '\n' ';')
    if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then
        echo "FAIL $this: it ended with status $status" >> "$base.log"
        failed=1
    elif [ "$passed" -eq 0 ] && [ -z "$skips" ]; then
        echo "FAIL $this: no test ran" >> "$base.log"
        failed=1
    fi
    {
        printf '%-24s %5d passed' "$this" "$passed"
        [ "$failed" -gt 0 ] && printf ', %d FAILED' "$failed"
        printf ' (%d s, CPU %d s)' "$took" "$computed"
        [ -n "$skips" ] \
            && printf ' (skipped: %s)' "$(printf %s "$skips" | cut -c1-120)"
        printf '\n'
        if [ "$failed" -gt 0 ]; then
            # (valgrind says at each call that it does not know epoll_pwait2)
            grep -v '^ok \|^--' "$base.log" | tail -n 40 | sed 's/^/    /'
        fi
    } > "$base.new"
    cp "$base.log" "$say.log"
    mv "$base.new" "$say.say"
    echo "$this"
    exit
fi

# ---- all of them -------------------------------------------------------------

# The parts, a name a line: those that take longest first, so that at the end
# no processor waits for another.
plan() {
    long='demos readme firmware must-trap size sim model compilers header'
    for kind in $long; do
        [ -n "$FULL" ] && [ "$kind" = demos ] && echo 'unit valgrind' \
            && echo 'unit threads'
        echo "$kind"
    done
    while read -r when name rest; do
        case $when in ''|'#'*) continue ;; esac
        [ "$when" = usual ] || [ -n "$FULL" ] && echo "unit $name"
    done < tests/configs
    for script in tests/*/test.sh; do
        kind=$(basename "$(dirname "$script")")
        case " $long " in *" $kind "*) ;; *) echo "$kind" ;; esac
    done
}

mkdir -p $out
processors=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
plan=$(plan | while read -r name; do
    case $name in *"$ONLY"*) echo "$name" ;; esac
done)
if [ -z "$plan" ]; then
    echo "FAIL: no part's name contains $ONLY"
    echo '0 passed, 1 failed'
    exit 1
fi
parts=$(printf '%s\n' "$plan" | wc -l)
here=$out/run.$$
mkdir -p $here
trap 'rm -rf $here' EXIT
trap 'exit 1' INT TERM HUP

# Some parts wait for real time to pass: one more than there are processors.
# Few parts have more than one for themselves.
JOBS=$(((processors + parts - 1) / parts))
[ $JOBS -lt $(((processors + 3) / 4)) ] && JOBS=$(((processors + 3) / 4))
export JOBS
unset MAKEFLAGS MFLAGS MAKELEVEL
rest=$plan
printf '%s\n' "$plan" |
    xargs -P $((processors + 1)) -I '{}' sh tests/run.sh --part '{}' $here |
    while read -r name; do
        # What is printed keeps the order of the plan.
        while [ -n "$rest" ]; do
            next=$(printf '%s\n' "$rest" | sed -n 1p)
            [ -f "$here/$(file "$next").say" ] || break
            cat "$here/$(file "$next").say"
            rest=$(printf '%s\n' "$rest" | sed 1d)
        done
    done

all=$here/all.log
printf '%s\n' "$plan" | while read -r name; do
    if [ -f "$here/$(file "$name").say" ]; then
        cat "$here/$(file "$name").log"
    else
        echo "FAIL $name: it did not come to its end"
    fi
done > $all
passed=$(grep -c '^ok ' $all)
failed=$(grep -c '^FAIL ' $all)
skipped=$(grep -c '^skip ' $all)
grep 'FAIL .*: it did not come to its end' $all
if [ -n "$CI" ] && [ "$skipped" -gt 0 ]; then
    echo "$skipped skipped, which CI counts as failures:"
    grep '^skip ' $all | sort -u | head -n 20
    failed=$((failed + skipped))
elif [ "$skipped" -gt 0 ]; then
    echo "$skipped skipped for want of a tool"
fi
cp $all $out/all.log
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
