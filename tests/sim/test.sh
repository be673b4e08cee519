#!/bin/sh
# ASYNC_SIM and ASYNC_TEST: what they promise (sim.c, testing.c), a crowd of
# tasks in the orders of many seeds (crowd.c), in several configurations; that
# they cost nothing where they are off; and the library's own unit tests on the
# library's virtual clock.
#   FULL=1   more of them; and those unit tests that do not care for the order
#            of ready tasks, in other orders
cd "$(dirname "$0")/../.." || exit 1
out=build/test/sim
here=tests/sim
mkdir -p $out
CC=${CC:-cc}
. tests/lanes.sh
warn='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
sh tests/list.sh $here/*.c > $out/table.c

# config NAME ARGUMENTS COMPILER FLAGS...
config() {
    name=$1 arguments=$2
    shift 2
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skip sim_$name: no $1"
        return
    fi
    case "$*" in
    *c++*) warn="$warn -Wno-missing-field-initializers -Wno-missing-braces
               -Wno-shadow" ;;
    esac
    # shellcheck disable=SC2086
    if ! "$@" $warn -Isrc -Itests -o $out/$name $here/*.c tests/test.c \
            $out/table.c -lpthread > $out/$name.log 2>&1; then
        echo "FAIL sim_$name: it does not compile"
        head -n 20 $out/$name.log
        return
    fi
    # shellcheck disable=SC2086
    timeout 300 $out/$name $arguments > $out/$name.log 2>&1
    status=$?
    sed "s/^ok /ok sim_${name}_/; s/^FAIL /FAIL sim_${name}_/; /^skip /d" \
        $out/$name.log
    [ $status -eq 0 ] || echo "FAIL sim_$name: it ended with status $status"
}

san='-fsanitize=address,undefined -fno-sanitize-recover=all'
lane config gcc-O2 '' gcc -std=c99 -O2
# (There, ten million turns take ten seconds.)
# shellcheck disable=SC2086
lane config debug-san -million clang -std=c99 -O1 -g -DASYNC_DEBUG=1 $san \
    -DCROWD_SEEDS=200
lane config freestanding '' gcc -std=c99 -O1 -DASYNC_HOSTED=0
if [ -n "$FULL" ]; then
    lane config g++ '' g++ -x c++ -std=c++11 -O1
    lane config ticks16 '' gcc -std=c99 -O1 -DASYNC_TICK_BITS=16
    lane config poll '' clang -std=c99 -O1 -DASYNC_POLL=1 -DASYNC_TICK_BITS=32
    lane config list '' gcc -std=c99 -O1 -DASYNC_TIMER_WHEEL=0 \
        -DASYNC_BACKLINKS=0 -DASYNC_OFFLOAD=0
    lane config prefetch '' gcc -std=c99 -O2 -DASYNC_PREFETCH=1 \
        -DCROWD_SEEDS=2000
    lane config board-debug '' gcc -std=c99 -O1 -DASYNC_HOSTED=0 \
        -DASYNC_DEBUG=1 -DASYNC_TICK_BITS=16
fi

# ---- on boards --------------------------------------------------------------

printf '#define ASYNC_IMPLEMENTATION\n#include "async.h"\n' > $out/all.c
# board COMPILER FLAGS...
board() {
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skip sim_$1: no $1"
    elif words=$("$@" -std=c99 -Os -ffreestanding $warn -DASYNC_HOSTED=0 \
            -DASYNC_SIM=1 -Isrc -c -o $out/$1.o $out/all.c 2>&1); then
        echo "ok sim_$1"
    else
        echo "FAIL sim_$1: $(echo "$words" | head -n 3)"
    fi
}
lane board avr-gcc -mmcu=atmega328p -DASYNC_TICK_BITS=16
lane board arm-none-eabi-gcc -mcpu=cortex-m0
lane board riscv64-unknown-elf-gcc -march=rv32imac_zicsr -mabi=ilp32

# ---- where it is off ---------------------------------------------------------

is_nothing() {
    $CC -std=c99 -O0 -Isrc -c -o $out/all.o $out/all.c || return 1
    nm $out/all.o | grep -i 'async_sim\|async_test\|async_expect'
    $CC -std=c99 -Isrc -E $out/all.c | grep 'async_sim\|async_test'
}
if words=$(is_nothing 2>&1) || [ -n "$words" ]; then
    echo "FAIL sim_off_is_nothing: $(echo "$words" | head -n 3)"
else
    echo 'ok sim_off_is_nothing'
fi
printf '#define ASYNC_SIM 1\n#include "async.h"\n%s\n' \
    'int main(void) { async_sim_seed(1); return 0; }' > $out/on.c
if words=$($CC -std=c99 -Isrc -o $out/on $out/on.c $out/all.o -lpthread 2>&1)
then
    echo 'FAIL sim_half_a_program: it links'
else
    case $words in
    *undefined*async_sim_seed*) echo 'ok sim_half_a_program' ;;
    *) echo "FAIL sim_half_a_program: $words" ;;
    esac
fi

# ---- the unit tests ----------------------------------------------------------

# Those that need no real time, with seed 0, which is to change nothing.
units="$(grep -L test_real_time tests/unit/*.c) tests/unit/hazards.c
    tests/unit/queue.c"
unit() {
    # shellcheck disable=SC2086,SC2116
    if ! make -s -j"${JOBS:-2}" -f tests/unit.mk NAME=sim-unit INCLUDE=src \
            UNITS="$(echo $units)" COMPILER='gcc -std=c99 -O0' \
            DEFINES=-DASYNC_SIM=1 LIBS=-lpthread \
            HEADERS="$(echo src/*.h src/*.c)"; then
        echo 'FAIL sim_unit: it does not compile'
        return
    fi
    timeout 300 build/test/sim-unit/unit -clock_days -sleep_ends_in_order \
        -sleep_goes_on_through > $out/unit.log 2>&1
    status=$?
    sed 's/^ok /ok sim_unit_/; s/^FAIL /FAIL sim_unit_/; /^skip /d' \
        $out/unit.log
    [ $status -eq 0 ] || echo "FAIL sim_unit: it ended with status $status"
}

# unit_in_the_order SEED: each by itself, for one that is out of order may not
# end.
unit_in_the_order() {
    sed -n 's/.*{"\([A-Za-z0-9_]*\)", test_.*/\1/p' \
            build/test/sim-unit/table.c | grep -vxF -f $here/ordered.txt |
    while read -r test; do
        TEST_SEED=$1 timeout 20 build/test/sim-unit/unit "$test" \
            > $out/unit.$1.log 2>&1
        if grep -qx "ok $test" $out/unit.$1.log; then
            echo "ok sim_seed_$1_$test"
        elif ! grep -q "^skip $test:" $out/unit.$1.log; then
            echo "FAIL sim_seed_$1_$test: does it depend on the order? If it" \
                "may, it belongs into $here/ordered.txt"
            head -n 10 $out/unit.$1.log
        fi
    done
}

# ---- the demos ---------------------------------------------------------------

# demo NAME: it prints the same in virtual time, and takes none
demo() {
    if ! $CC -std=c99 -O0 -DASYNC_STATIC -DASYNC_SIM=1 -I. -o "$out/demo_$1" \
            "demos/$1.c" -lpthread > "$out/demo_$1.log" 2>&1; then
        echo "FAIL sim_demo_$1: $(head -n 3 "$out/demo_$1.log")"
    elif ! timeout 60 "$out/demo_$1" < /dev/null > "$out/demo_$1.out" \
            2> "$out/demo_$1.log"; then
        echo "FAIL sim_demo_$1: it ended with an error"
    elif ! cmp -s "$out/demo_$1.out" "demos/expect/$1.txt"; then
        echo "FAIL sim_demo_$1: it prints something else"
        diff "demos/expect/$1.txt" "$out/demo_$1.out" | head -n 10
    else
        echo "ok sim_demo_$1"
    fi
    rm -f "$out/demo_$1"
}

# All that say what time it is; but not those in which threads take their time,
# which counts as nothing, or a task computes until it is over, which it never
# is.
demos() {
    for demo in $(grep -l '"demo.h"' demos/*.c); do
        name=$(basename "$demo" .c)
        case $name in
        file|offload|timeline|ticks) ;;
        *) [ ! -f "demos/expect/$name.txt" ] || lane demo "$name" ;;
        esac
    done
}

if [ -n "$FULL" ]; then
    unit
    for seed in 1 2 3; do
        lane unit_in_the_order $seed
    done
    demos
fi
lanes_end
