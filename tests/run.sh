#!/bin/sh
# The one test command, called by `make test`: runs every kind of test, prints
# what is not ok, and at last a line `N passed, N failed`.
#
#   FULL=1   every configuration and the slow tests (CI does so)
#   ONLY=x   only the kinds or configurations whose name contains x
#   CI=true  a skipped tool is a failure
CC=${CC:-cc}
export CC
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
mkdir -p build/test
all=build/test/all.log
: > $all

# run NAME COMMAND...: its lines `ok x`, `FAIL x: why`, `skip x: why` count; a
# command that fails without saying so is a failure too.
run() {
    name=$1
    shift
    case $name in *"$ONLY"*) ;; *) return ;; esac
    log=build/test/$(printf %s "$name" | tr ' /+' '___').log
    "$@" > "$log" 2>&1
    status=$?
    passed=$(grep -c '^ok ' "$log")
    failed=$(grep -c '^FAIL ' "$log")
    skips=$(grep '^skip ' "$log" | sed 's/^skip //' | sort -u | tr '\n' ';')
    if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then
        echo "FAIL $name: it ended with status $status" >> "$log"
        failed=1
    elif [ "$passed" -eq 0 ] && [ -z "$skips" ]; then
        echo "FAIL $name: no test ran" >> "$log"
        failed=1
    fi
    printf '%-28s %5d passed' "$name" "$passed"
    [ "$failed" -gt 0 ] && printf ', %d FAILED' "$failed"
    [ -n "$skips" ] && printf '  (skipped: %s)' "$(printf %s "$skips" | cut -c1-120)"
    printf '\n'
    if [ "$failed" -gt 0 ]; then
        # (valgrind says at each call that it does not know epoll_pwait2)
        grep -v '^ok \|^--' "$log" | tail -n 40 | sed 's/^/    /'
    fi
    cat "$log" >> $all
}

skip() {
    case $1 in *"$ONLY"*) ;; *) return ;; esac
    echo "skipped: $1: $2"
    echo "skip $1: $2" >> $all
}

# unit NAME INCLUDE COMPILER FLAGS...: the unit tests in one configuration
unit() {
    name=$1 include=$2
    shift 2
    what="$*" more=''
    case "$*" in
        *c++*)
            more='-Wno-missing-field-initializers -Wno-missing-braces'
            more="$more -Wno-shadow"
            ;;
    esac
    warn="-Wall -Wextra -Wpedantic -Wshadow -Wconversion $more -Werror"
    case $1 in tcc) warn=-Wall ;; esac
    make -s -j"$jobs" -f tests/unit.mk NAME="$name" INCLUDE="$include" \
        COMPILER="$what" WARN="$warn" LIBS=-lpthread \
        HEADERS="$(echo src/*.h src/*.c | tr '\n' ' ')" || return 1
    # shellcheck disable=SC2086
    ASAN_OPTIONS=detect_leaks=1 timeout 120 $WRAP "build/test/$name/unit" $LESS
}

while read -r when name include command; do
    case $when in ''|'#'*) continue ;; esac
    [ "$when" = full ] && [ -z "$FULL" ] && continue
    compiler=${command%% *}
    if ! command -v "$compiler" >/dev/null 2>&1; then
        skip "unit $name" "no $compiler"
    elif ! echo 'int main(void) { return 0; }' > build/test/probe.c \
         || ! $(echo "$command" | sed 's/-x c++//') -o build/test/probe \
              build/test/probe.c >/dev/null 2>&1; then
        skip "unit $name" "$command does not link"
    else
        run "unit $name" unit "$name" "$include" $command
    fi
done < tests/configs

if command -v valgrind >/dev/null 2>&1; then
    if [ -n "$FULL" ]; then
        WRAP='valgrind -q --error-exitcode=9 --leak-check=full'
        # Where descriptors run out, it takes a connection and closes it.
        # Nor can an exec fail there for too long a list.
        LESS='-without_descriptors -arguments_too_long'
        run 'unit valgrind' unit valgrind . gcc -std=c99 -O1 -g
        WRAP='' LESS=''
    fi
else
    skip 'unit valgrind' 'no valgrind'
fi

for script in tests/*/test.sh; do
    kind=$(basename "$(dirname "$script")")
    run "$kind" sh "$script"
done

passed=$(grep -c '^ok ' $all)
failed=$(grep -c '^FAIL ' $all)
skipped=$(grep -c '^skip ' $all)
if [ -n "$CI" ] && [ "$skipped" -gt 0 ]; then
    echo "$skipped skipped, which CI counts as failures:"
    grep '^skip ' $all | sort -u | head -n 20
    failed=$((failed + skipped))
elif [ "$skipped" -gt 0 ]; then
    echo "$skipped skipped for want of a tool"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
