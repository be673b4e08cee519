#!/bin/sh
# The header under the compilers and on the processors that other tests leave
# out: each program of this folder is built, and run where there is something
# to run it, and its transcript compared. build/compilers.tsv says how it went,
# for the table in the README (make figures).
#   FULL=1   the unit tests as well, where there is a C library
out=build/test/compilers
here=tests/compilers
table=build/compilers.tsv
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
mkdir -p $out
bad=0

has() { command -v "$1" >/dev/null 2>&1; }

fail() {
    echo "FAIL compilers_$1: $(printf %s "$2" | tr '\n' ' ' | cut -c1-300)"
    bad=1
}

# target NAME WHAT VERSION RUNNER: a row of the table begins
target() {
    name=$1 what=$2 version=$3 where=$4
    coroutines=- tasks=- interrupt=- units=- bytes=-
}

row() {
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$version" "$what" \
        "$where" "$coroutines" "$tasks" "$interrupt" "$units" "$bytes" >> $rows
}

# program NAME RUN COMMAND...: the command writes $image without a word; RUN,
# if there is one, prints the transcript
program() {
    program=$1 run=$2
    shift 2
    got=built
    if ! words=$("$@" 2>&1) || [ -n "$words" ]; then
        fail "${name}_$program" "$words"
        got=failed
    elif [ -n "$run" ]; then
        if $run > $out/$name.txt && cmp -s $out/$name.txt $here/$program.txt
        then
            echo "ok compilers_${name}_$program"
            got=ran
        else
            fail "${name}_$program" \
                "$(diff $out/$name.txt $here/$program.txt | head -n 4)"
            got=failed
        fi
    else
        echo "ok compilers_${name}_${program}_built"
    fi
    eval "$program=\$got"
}

# ---- those with a C library --------------------------------------------------

warn='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'

# transcript: what $image prints, run as $under says
transcript() {
    # shellcheck disable=SC2086
    timeout 300 $under $image 2>$out/errors.txt | tr -d '\r'
}

# qemu's emulation of a process trips over threads of it that take signals or
# end, some of the time.
without_threads='-offload -file_ -resolve -dial -connect_any -thread -py_events
    -signal -process -child_of_fork -several_loops'

# hosted NAME WHAT UNDER: COMPILER FLAGS... are in $compiler.
hosted() {
    target "$1" "$2" "${compiler%% *} $($read_version)" \
        "${3:-this machine}"
    under=$3
    if ! has "${compiler%% *}"; then
        echo "skip compilers_$name: no ${compiler%% *}"
        return
    elif [ -n "$under" ] && ! has "$under"; then
        echo "skip compilers_$name: no $under"
        return
    fi
    for program in coroutines tasks; do
        image=$out/$name-$program
        # shellcheck disable=SC2086
        program $program transcript $compiler $warn -I. -o $image \
            $here/$program.c
    done
    if [ -n "$FULL" ]; then
        units=failed
        if ! words=$(make -s -j"$jobs" -f tests/unit.mk NAME="$name" INCLUDE=src \
                COMPILER="$compiler" WARN="$warn" LIBS=-lpthread \
                HEADERS="$(echo src/*.h src/*.c | tr '\n' ' ')" 2>&1); then
            fail "${name}_units" "$words"
        elif ! timeout 120 $under build/test/$name/unit \
                ${under:+$without_threads} > $out/units.txt 2>&1
        then
            fail "${name}_units" "$(grep -v '^ok' $out/units.txt)"
        else
            units="$(grep -c '^ok' $out/units.txt) ran"
            echo "ok compilers_${name}_units"
        fi
    fi
    row
}

# The unit tests of what is there without descriptors.
mingw_units() {
    for file in tests/unit/*.c; do
        $mingw -std=c99 -Isrc -Itests -E -P "$file"
    done | sed -n 's/.*void test_\([a-z0-9A-Z_]*\)(void); void.*/TEST(\1)/p' \
        > $out/names.c
    sh tests/list.sh $out/names.c > $out/table.c
    image=$out/units.exe units=failed
    # shellcheck disable=SC2086
    if ! words=$($mingw -std=c99 $warn -Isrc -Itests -o $image \
            tests/unit/*.c tests/test.c tests/virtual.c $out/table.c 2>&1); then
        fail mingw_units "$words"
    elif ! transcript > $out/units.txt || grep -q '^FAIL' $out/units.txt \
            || ! grep -q '^ok' $out/units.txt; then
        fail mingw_units "$(grep -v '^ok' $out/units.txt)"
    else
        units="$(grep -c '^ok' $out/units.txt) ran"
        echo 'ok compilers_mingw_units'
    fi
}

gcc_version() { ${compiler%% *} -dumpfullversion 2>/dev/null; }
tcc_version() { tcc -v 2>/dev/null | sed 's/tcc version \([^ ]*\).*/\1/'; }

all_hosted() {
    rows=$out/hosted.tsv
    : > $rows
    read_version=gcc_version
    compiler='gcc -m32 -idirafter /usr/include/x86_64-linux-gnu -std=c99 -O1'
    if has gcc && echo 'int main(void) { return 0; }' > $out/probe.c \
       && $compiler -o $out/probe $out/probe.c >/dev/null 2>&1; then
        hosted m32 'x86, 32 bits' ''
    else
        echo 'skip compilers_m32: gcc -m32 does not link'
    fi
    compiler='musl-gcc -std=c99 -O1'
    hosted musl 'x86-64, musl' ''
    compiler=tcc
    read_version=tcc_version
    same=$warn warn=-Wall
    hosted tcc 'x86-64' ''
    warn=$same
    read_version=gcc_version
    compiler='powerpc-linux-gnu-gcc -std=c99 -O1 -static'
    hosted powerpc 'PowerPC, 32 bits, big-endian' qemu-ppc
    compiler='aarch64-linux-gnu-gcc -std=c99 -O0 -static'
    hosted aarch64 'AArch64' qemu-aarch64

    # Windows, without descriptors: run with FULL=1, if wine is there, but
    # nothing asks for wine.
    mingw=x86_64-w64-mingw32-gcc
    if has $mingw; then
        wine=''
        for under in wine64 wine /usr/lib/wine/wine64; do
            if [ -n "$FULL" ] && has $under; then
                wine=$under
                break
            fi
        done
        export WINEPREFIX="$PWD/$out/wine" WINEDEBUG=-all
        target mingw 'Windows, 64 bits' \
            "$mingw $($mingw -dumpfullversion | sed 's/-.*//')" "${wine:+wine}"
        [ -n "$where" ] || where=-
        for program in coroutines tasks; do
            image=$out/mingw-$program.exe
            # shellcheck disable=SC2086
            program $program "${wine:+transcript}" $mingw -std=c99 -O2 \
                $warn -I. -o $image $here/$program.c
        done
        [ -n "$wine" ] && mingw_units
        row
    else
        echo "skip compilers_mingw: no $mingw"
    fi
    return $bad
}

# ---- sdcc, on what has 8 bits ------------------------------------------------

# What the simulator prints, from the loading of the program to its end.
simulated() {
    # shellcheck disable=SC2086
    timeout 300 $simulator -G $image </dev/null 2>&1 \
        | sed -e '1,/words read from/d' -e '/^[.!]$/q'
}

# sdcc_on NAME WHAT SIMULATOR PROGRAMS FLAGS...
sdcc_on() {
    target "$1" "$2" "sdcc $sdcc_version" uCsim
    simulator=$3 programs=$4
    shift 4
    if ! has "${simulator%% *}"; then
        echo "skip compilers_$name: no ${simulator%% *}"
        return
    fi
    for program in $programs; do
        image=$out/$name-$program.ihx
        program $program simulated sdcc -m$name "$@" --std-sdcc11 \
            --opt-code-size --max-allocs-per-node 100 -I$out/small \
            -o $image $here/$program.c
        [ "$program" = tasks ] && bytes=$(flash $image)
    done
    if [ -n "$FULL" ]; then
        program whole '' sdcc -m$name "$@" --std-sdcc11 --opt-code-size \
            --max-allocs-per-node 100 -I. -S -o $out/whole.asm \
            tests/header/implementation.c
    fi
    row
}

# The bytes of an Intel hex file: of its records of type 00.
flash() {
    awk 'function digit(at) {
             return index("0123456789ABCDEF", substr($0, at, 1)) - 1
         }
         /^:......00/ { sum += 16 * digit(2) + digit(3) }
         END { print sum }' "$1"
}

all_sdcc() {
    rows=$out/sdcc.tsv
    : > $rows
    # sdcc links whatever is in a file: so it gets a header without the parts
    # that the programs do not call.
    mkdir -p $out/small
    sed '/^#include "\(barrier\|call\|condition\|gather\|group\|interval\)\./d
         /^#include "\(pool\|queue_priority\|semaphore\|wait\)\./d' \
        src/async.h | sh src/join.sh - > $out/small/async.h
    if has sdcc; then
        sdcc_version=$(sdcc -v | sed -n '1s/.* \([0-9][0-9.]*\) #.*/\1/p')
        sdcc_on mcs51 '8051' 's51 -t52 -I if=xram[0xffff]' \
            'coroutines tasks interrupt' --model-large --stack-auto
        sdcc_on stm8 'STM8' 'sstm8 -tSTM8S208 -I if=rom[0x5800]' \
            'coroutines tasks interrupt'
        sdcc_on z80 'Z80' 'sz80 -I if=outputs[0xff]' \
            "coroutines ${FULL:+tasks}" --data-loc 0xc000
    else
        echo 'skip compilers_sdcc: no sdcc'
    fi
    return $bad
}

# The two halves beside one another, with what they say in order.
(all_sdcc) > $out/sdcc.log 2>&1 &
(all_hosted) || bad=1
wait $! || bad=1
cat $out/sdcc.log
{
    printf 'compiler\ttarget\trun in\tcoroutines\ttasks\tinterrupt\t'
    printf 'unit tests\ttasks: bytes\n'
    cat $out/hosted.tsv $out/sdcc.tsv
} > $table
exit $bad
