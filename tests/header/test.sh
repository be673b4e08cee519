#!/bin/sh
# The header as a thing to be included and linked, in every way that users do.
#   FULL=1   with more standards and compilers
out=build/test/header
here=tests/header
CC=${CC:-cc}
mkdir -p $out
rm -f $out/*.o
bad=0

fail() {
    echo "FAIL header_$1: $(printf %s "$2" | tr '\n' ' ' | cut -c1-300)"
    bad=1
}

# check NAME COMMAND...: it succeeds, without a word
check() {
    name=$1
    shift
    if words=$("$@" 2>&1) && [ -z "$words" ]; then
        echo "ok header_$name"
    else
        fail "$name" "$words"
    fi
}

# program NAME COMPILER AND FLAGS: it compiles, and ends with 0
program() {
    name=$1
    shift
    if ! words=$("$@" -I. -I$here -o $out/$name -lpthread 2>&1) \
       || [ -n "$words" ]; then
        fail "$name" "$words"
    elif ! words=$($out/$name 2>&1); then
        fail "$name" "it ends with an error: $words"
    else
        echo "ok header_$name"
    fi
}

has() { command -v "$1" >/dev/null 2>&1; }

# ---- what is in it -----------------------------------------------------------

same() { sh src/join.sh | cmp - async.h; }
check is_what_src_makes same
wide() { awk 'length > 80 { print FILENAME ":" FNR ": wide" }' src/* demos/*.[ch]; }
check fits_in_80_columns wide

# ---- how it is included ------------------------------------------------------

# The implementation after a header of the system: it is made to do where it
# can be, and a strict -std=c99 says in one line what is to be done.
program after_stdio $CC -std=gnu99 -Wall -Werror $here/late.c
strict() {
    words=$($CC -std=c99 -I. -c -o $out/late.o $here/late.c 2>&1) && return 1
    echo "$words" | grep error: | head -n 1 | grep -q 'include async.h first'
}
check after_stdio_in_strict_c strict

one_c() {
    $CC -std=c99 -I. -I$here "$@" 2>&1
}
files() {
    one_c -DNAME=first -DVALUE=11 -c -o $out/first.o $here/user.c \
        && one_c -DNAME=second -DVALUE=22 -c -o $out/second.o $here/user.c \
        && one_c -c -o $out/implementation.o $here/implementation.c
}
check compiles_in_three_files files
program linked_from_c_files $CC -std=c99 $here/main.c $out/first.o \
    $out/second.o -DNAME=third -DVALUE=33 $here/user.c $out/implementation.o
for cxx in g++ clang++; do
    if has $cxx; then
        check compiles_as_c++_$cxx $cxx -x c++ -std=c++11 -I. -I$here \
            -DNAME=third -DVALUE=33 -c -o $out/third.o $here/user.c
        program linked_from_c_and_$cxx $cxx $out/first.o $out/second.o \
            $out/third.o $out/implementation.o -x c++ $here/main.c
        check implementation_as_$cxx $cxx -x c++ -std=c++11 -I. -c \
            -o $out/implementation_cxx.o $here/implementation.c
        program linked_to_$cxx $cxx $out/first.o $out/second.o \
            $out/third.o $out/implementation_cxx.o -x c++ $here/main.c
    else
        echo "skip header_$cxx: no $cxx"
    fi
done
private() {
    for n in first:11 second:22 third:33; do
        one_c -DASYNC_STATIC -DASYNC_IMPLEMENTATION -DNAME=${n%:*} \
            -DVALUE=${n#*:} -Wall -Wextra -Werror -c -o $out/own_${n%:*}.o \
            $here/user.c || return 1
    done
}
check compiles_with_private_copies private
program private_copies $CC $here/main.c $out/own_first.o $out/own_second.o \
    $out/own_third.o
program one_file $CC -std=c99 $here/one.c
program coroutines_alone $CC -std=c99 $here/coroutines.c
program coroutines_alone_debug $CC -std=c99 -DASYNC_DEBUG=1 $here/coroutines.c
program long_names $CC -std=c99 $here/long_names.c
program config_file $CC -std=c99 '-DASYNC_CONFIG="config.h"' $here/configured.c
from_src() {
    $CC -std=c99 -c -o $out/async.o src/async.c
}
check c_file_of_src_compiles from_src
program c_file_of_src $CC -std=c99 $here/main.c $out/first.o $out/second.o \
    -DNAME=third -DVALUE=33 $here/user.c $out/async.o

nothing_to_link() {
    one_c -c -o $out/coroutines.o $here/coroutines.c \
        && nm $out/coroutines.o | grep ' U async_'
    [ -f $out/coroutines.o ]
}
check coroutines_need_no_function nothing_to_link

no_threads() {
    one_c -DASYNC_OFFLOAD=0 -c -o $out/no_threads.o $here/implementation.c \
        && nm $out/no_threads.o | grep pthread_create
    [ -f $out/no_threads.o ]
}
check offload_can_be_left_out no_threads

# ---- the parts, each by itself -----------------------------------------------

parts() {
    for part in src/*.h; do
        case $part in src/async.h) continue ;; esac
        for macro in '' $macros; do
            echo "#include \"$part\"" > $out/part.c
            case $macro$part in
            -DASYNC_HOSTED=0src/fd*|-DASYNC_HOSTED=0src/net*) continue ;;
            esac
            "$@" $macro -I. -fsyntax-only $out/part.c || return 1
        done
    done
}
macros='-DASYNC_DEBUG=1 -DASYNC_HOSTED=0 -DASYNC_TRACE=1'
check parts_compile_alone_as_c parts $CC -std=c99 -Wall -Wextra -Werror
[ -n "$FULL" ] || macros=''
has g++ && check parts_compile_alone_as_c++ parts g++ -x c++ -std=c++11 \
    -Wall -Wextra -Werror

# ---- warnings ----------------------------------------------------------------

strict='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-default
    -Wundef -Wwrite-strings -Wpointer-arith -Wcast-align -Wredundant-decls
    -Werror'
c_only='-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wnested-externs'
# Left out: what C has to do (casts of memory and of entries, padding), and what the library
# is made of (macros that call macros, functions that may stay unused, a
# semicolon behind ASYNC_END).
everything='-Weverything -Wno-padded -Wno-cast-qual
    -Wno-disabled-macro-expansion -Wno-used-but-marked-unused
    -Wno-unknown-warning-option -Wno-unsafe-buffer-usage
    -Wno-cast-function-type-strict
    -Wno-declaration-after-statement -Wno-c++98-compat-pedantic
    -Wno-old-style-cast -Wno-zero-as-null-pointer-constant
    -Wno-pre-c11-compat -Wno-poison-system-directories
    -Wno-missing-noreturn -Wno-extra-semi-stmt -Werror'

# warn NAME COMPILER...: the whole, in both kinds of build
warn() {
    name=$1
    shift
    for macro in '' -DASYNC_DEBUG=1 '-DASYNC_HOSTED=0' -DASYNC_POLL=1 \
                 -DASYNC_TRACE=1 -DASYNC_SIM=1; do
        "$@" $macro -I. -fsyntax-only $here/implementation.c || return 1
    done
}
for std in c99 ${FULL:+c11 gnu17}; do
    has gcc && check warnings_gcc_$std warn x gcc -std=$std $strict $c_only
done
for std in c++11 ${FULL:+c++17}; do
    has g++ && check warnings_g++_$std warn x g++ -x c++ -std=$std $strict
done
for clang in clang ${FULL:+clang-19}; do
    if has $clang; then
        for std in c99 ${FULL:+c11}; do
            check warnings_${clang}_$std warn x $clang -std=$std $everything
        done
        for std in c++11 ${FULL:+c++17}; do
            check warnings_${clang}++_$std warn x $clang -x c++ -std=$std \
                $everything
        done
    else
        echo "skip header_warnings_$clang: no $clang"
    fi
done
has tcc && check compiles_with_tcc tcc -I. -c -o $out/tcc.o \
    $here/implementation.c

# ---- options that must agree -------------------------------------------------

# differ WORD FLAGS...: a file built with these does not link to the rest, and
# the linker says WORD
differ() {
    word=$1
    shift
    if ! words=$(one_c "$@" -DNAME=third -DVALUE=33 -c -o $out/differs.o \
                 $here/user.c); then
        fail "differs_$word" "$words"
    elif words=$($CC -o $out/differs $here/main.c -I$here $out/first.o \
                 $out/second.o $out/differs.o $out/implementation.o 2>&1); then
        fail "differs_$word" "it links"
    elif ! printf %s "$words" | grep -q "undefined.*$word"; then
        fail "differs_$word" "the linker says $words"
    else
        echo "ok header_differs_$word"
    fi
}
differ debug_1 -DASYNC_DEBUG=1
differ trace_1 -DASYNC_TRACE=1
differ hosted_0 -DASYNC_HOSTED=0
differ frame_bits_8 -DASYNC_FRAME_BITS=8
differ tick_bits_32 -DASYNC_TICK_BITS=32
differ timer_wheel_0 -DASYNC_TIMER_WHEEL=0
differ backlinks_0 -DASYNC_BACKLINKS=0 -DASYNC_TIMER_WHEEL=0
differ computed_goto_1 -DASYNC_COMPUTED_GOTO=1 -std=gnu99

# A file that does no more than set a future is told apart as well.
echo '#include "async.h"
int sets(async_future *f); int sets(async_future *f) {
return async_future_set(f, 1); } int main(void) { return 0; }' > $out/sets.c
sets() {
    one_c -DASYNC_DEBUG=1 -c -o $out/sets.o $out/sets.c || return 1
    ! $CC -o $out/sets $out/sets.o $out/implementation.o 2>/dev/null
}
check differs_where_only_a_future_is_set sets

# ---- bad options, and a bad order --------------------------------------------

# refuse NAME MESSAGE FLAGS...
refuse() {
    name=$1 message=$2
    shift 2
    if words=$(one_c "$@" -fsyntax-only $here/implementation.c); then
        fail "refuses_$name" "it compiles"
    elif printf %s "$words" | grep -q "$message"; then
        echo "ok header_refuses_$name"
    else
        fail "refuses_$name" "$words"
    fi
}
refuse ticks_of_24_bits 'ASYNC_TICK_BITS is 16, 32 or 64' -DASYNC_TICK_BITS=24
refuse frames_of_12_bits 'ASYNC_FRAME_BITS is 8 or 16' -DASYNC_FRAME_BITS=12
refuse wheel_of_short_ticks 'ASYNC_TIMER_WHEEL needs ASYNC_TICK_BITS 64' \
    -DASYNC_TICK_BITS=32 -DASYNC_TIMER_WHEEL=1
refuse wheel_without_backlinks 'ASYNC_TIMER_WHEEL needs ASYNC_BACKLINKS' \
    -DASYNC_BACKLINKS=0
refuse prefetch_without_backlinks 'ASYNC_PREFETCH needs ASYNC_HOSTED,' \
    -DASYNC_PREFETCH=1 -DASYNC_BACKLINKS=0 -DASYNC_TIMER_WHEEL=0
refuse two_backends 'ASYNC_POLL or ASYNC_KQUEUE' -DASYNC_POLL=1 -DASYNC_KQUEUE=1
refuse goto_in_short_frames 'ASYNC_COMPUTED_GOTO needs ASYNC_FRAME_BITS 32' \
    -DASYNC_COMPUTED_GOTO=1 -DASYNC_FRAME_BITS=16

# ---- freestanding ------------------------------------------------------------

free="-ffreestanding -nostdlib -DASYNC_HOSTED=0 -fno-pic"
# What the object leaves to others: the clock is defined in the same file, so
# nothing but what compilers call by themselves.
undefined() {
    "$@" $free -I. -I$here -c -o $out/free.o $here/freestanding.c || return 1
    nm -u $out/free.o | grep -vw -e memset -e memcpy -e memmove -e memcmp
    [ -f $out/free.o ]
}
check freestanding_needs_a_clock_only undefined $CC -std=c99 -O2
check freestanding_needs_a_clock_only_Os undefined $CC -std=c99 -Os \
    -DASYNC_TICK_BITS=16 -DASYNC_FRAME_BITS=8
check freestanding_wheel undefined $CC -std=c99 -O2 -DASYNC_TICK_BITS=64 \
    -DASYNC_TIMER_WHEEL=1
clock_only() {
    $CC -std=c99 -O2 $free -I. -c -o $out/free.o $here/implementation.c
    nm -u $out/free.o | grep -vw -e memset -e memcpy -e async_port_clock
    [ -f $out/free.o ]
}
check freestanding_port_is_one_function clock_only
for cross in avr-gcc:-mmcu=atmega328p arm-none-eabi-gcc:-mcpu=cortex-m0 \
             riscv64-unknown-elf-gcc:-march=rv32imac_zicsr; do
    if has ${cross%%:*}; then
        flags=${cross#*:}
        case $flags in *rv32*) flags="$flags -mabi=ilp32" ;; esac
        check freestanding_${cross%%:*} ${cross%%:*} $flags -std=c99 -Os \
            -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
            -ffreestanding -I. -c -o $out/cross.o $here/implementation.c
    else
        echo "skip header_freestanding_${cross%%:*}: no ${cross%%:*}"
    fi
done
includes() {
    $CC -std=c99 -E -dI -DASYNC_HOSTED=0 -I. $here/implementation.c \
        | awk '/^# [0-9]+ "/ { file = $3 } /^#include </ && file ~ /async.h/ {
               print $2 }' | sort -u \
        | grep -v -e '<stdint.h>' -e '<stddef.h>' -e '<stdbool.h>' \
                  -e '<limits.h>'
    :
}
check freestanding_includes_four_headers includes

# ---- names -------------------------------------------------------------------

macros() {
    printf '#include <stdint.h>\n#include <stddef.h>\n#include <stdbool.h>\n%s\n' \
        '#include <limits.h>' > $out/base.c
    $CC -std=c99 -E -dM $out/base.c | awk '{ print $2 }' | sort > $out/base.txt
    $CC -std=c99 -E -dM -DASYNC_HOSTED=0 -I. $here/implementation.c \
        | awk '{ print $2 }' | sort | comm -13 $out/base.txt - \
        | grep -v -e '^ASYNC' -e '^async_' -e '^AWAIT' -e '^_GNU_SOURCE'
    :
}
check defines_only_its_own_macros macros
symbols() {
    nm -g --defined-only $out/implementation.o | awk '{ print $3 }' \
        | grep -v '^async_'
    :
}
check exports_only_its_own_names symbols
late() {
    printf '#include "async.h"\n#include <stdio.h>\n' > $out/late.c
    printf '#define ASYNC_IMPLEMENTATION\n#include "async.h"\n' >> $out/late.c
    words=$($CC -std=gnu99 -I. -fsyntax-only $out/late.c 2>&1) && return 0
    printf %s "$words" | grep -q 'define ASYNC_IMPLEMENTATION before' && return 0
    echo "$words"
    return 1
}
check implementation_asked_for_late_is_told late
exit $bad
