#!/bin/sh
# ASYNC_TRACE: its unit tests, with the knob on; that it costs nothing when it
# is off; that it fits a board; and that others can read the files it writes.
cd "$(dirname "$0")/../.." || exit 1
CC=${CC:-cc}
out=build/test/trace-knob
warn='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
bad=0
mkdir -p $out

has() { command -v "$1" >/dev/null 2>&1; }

# check NAME COMMAND...: it succeeds
check() {
    name=$1
    shift
    if words=$("$@" 2>&1); then
        echo "ok trace_$name"
    else
        echo "FAIL trace_$name: $(printf %s "$words" | tr '\n' ' ' |
            cut -c1-300)"
        bad=1
    fi
}

# ---- the unit tests ----------------------------------------------------------

if make -s -j"${JOBS:-1}" -f tests/unit.mk NAME=trace-unit INCLUDE=src \
        COMPILER="$CC -std=c99 -O1 -DASYNC_TRACE=1" LIBS=-lpthread \
        UNITS='tests/unit/trace.c tests/unit/record.c' \
        HEADERS="$(echo src/*.h src/*.c | tr '\n' ' ')"; then
    timeout 60 build/test/trace-unit/unit | sed 's/^ok /ok with_trace_/' \
        > $out/unit.log
    cat $out/unit.log
    grep -q '^FAIL' $out/unit.log && bad=1
    grep -q '^ok ' $out/unit.log || bad=1
else
    echo 'FAIL trace_unit: it does not compile'
    bad=1
fi

# ---- off: not one byte -------------------------------------------------------

# The library, and the same without any line that is about the trace: they make
# the same object.
rm -rf $out/without
mkdir $out/without
for file in src/*.h src/*.c; do
    sed -e '/^ *ASYNC_TRACE[A-Z_]*(.*);$/d' \
        -e '/^#include "\(trace\|record\)/d' "$file" \
        > "$out/without/$(basename "$file")"
done
printf '#define ASYNC_IMPLEMENTATION\n#include "async.h"\n' > $out/all.c

# none_is_there COMPILER AND FLAGS...
none_is_there() {
    grep -q 'ASYNC_TRACE_(' src/loop.c || { echo 'no hooks?'; return 1; }
    if grep -n 'ASYNC_TRACE[A-Z_]*_(' $out/without/loop*.c; then
        return 1
    fi
    "$@" -Isrc -c -o $out/with.o $out/all.c \
        && "$@" -I$out/without -c -o $out/without.o $out/all.c \
        && cmp $out/with.o $out/without.o
}
check costs_nothing_when_off none_is_there "$CC" -std=c99 -O2
check costs_nothing_when_off_and_small none_is_there "$CC" -std=c99 -Os \
    -DASYNC_HOSTED=0
if has avr-gcc; then
    check costs_an_avr_nothing_when_off none_is_there avr-gcc \
        -mmcu=atmega328p -std=c99 -Os
else
    echo 'skip trace_costs_an_avr_nothing: no avr-gcc'
fi

# ---- on, on boards -----------------------------------------------------------

# board FLAGS...: it compiles without a word, and needs a clock only
board() {
    # shellcheck disable=SC2086
    "$@" -std=c99 -Os $warn -ffreestanding -DASYNC_TRACE=1 -Isrc -c \
        -o $out/board.o $out/all.c || return 1
    nm -u $out/board.o | grep async_port_clock >/dev/null || return 1
    if nm -u $out/board.o | grep -v -e async_port_clock -e ' _*mem' \
        -e ' __'; then
        return 1
    fi
}
for cross in avr-gcc:-mmcu=atmega328p arm-none-eabi-gcc:-mcpu=cortex-m0 \
             riscv64-unknown-elf-gcc:-march=rv32imac_zicsr; do
    if has ${cross%%:*}; then
        flags=${cross#*:}
        case $flags in *rv32*) flags="$flags -mabi=ilp32" ;; esac
        # shellcheck disable=SC2086
        check "${cross%%:*}" board ${cross%%:*} $flags
    else
        echo "skip trace_${cross%%:*}: no ${cross%%:*}"
    fi
done

# ---- others read it ----------------------------------------------------------

files() {
    # shellcheck disable=SC2086
    $CC -std=c99 $warn -O1 -DASYNC_STATIC -I. -o $out/timeline \
        demos/timeline.c -lpthread && SPEED=1000 $out/timeline $out
}
check timeline_runs files

json() {
    python3 - $out/timeline-*.json <<'END'
import json, sys
assert len(sys.argv) == 4
for name in sys.argv[1:]:
    events = json.load(open(name))["traceEvents"]
    slices = {}
    for event in events:
        assert event["ph"] in "MXisf", event
        if event["ph"] == "X":
            assert event["dur"] >= 0
            slices.setdefault(event["tid"], []).append(event)
    assert len(slices) == 4                 # the program and its jobs
    steps = []
    for of_task in slices.values():
        end = None
        for event in of_task:               # one begins where one has ended
            assert end is None or abs(event["ts"] - end) < 0.002, event
            end = event["ts"] + event["dur"]
            if event["cat"] == "run":
                steps.append((event["ts"], end))
    steps.sort()                            # never two at once
    assert all(a[1] <= b[0] + 0.002 for a, b in zip(steps, steps[1:]))
    ends = [(event["id"], event["ph"]) for event in events
            if event["ph"] in "sf"]
    assert sorted(i for i, ph in ends if ph == "s") \
        == sorted(i for i, ph in ends if ph == "f") != []
    for event in events:                    # an arrow begins in a step
        if event["ph"] in "sf":
            assert any(s["cat"] == "run"
                       and s["ts"] - 0.002 <= event["ts"]
                       <= s["ts"] + s["dur"] + 0.002
                       for s in slices[event["tid"]]), event
END
}
svg() {
    python3 - $out/timeline-*.svg <<'END'
import sys, xml.etree.ElementTree as tree
assert len(sys.argv) == 4
for name in sys.argv[1:]:
    root = tree.parse(name).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width") == "1000"
    for shape in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(shape.get("x")) >= 0
        assert float(shape.get("x")) + float(shape.get("width")) <= 1000
END
}
if has python3; then
    check json_loads json
    check svg_loads svg
else
    echo 'skip trace_json_loads: no python3'
fi
exit $bad
