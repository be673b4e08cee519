#!/bin/sh
# Builds every demo, runs it, and compares what it prints with its transcript
# in demos/expect/. Those that talk over sockets and pipes are driven below.
# Prints `ok demo_NAME` or `FAIL demo_NAME: why`. Run it from the top.
#
#   sh demos/test.sh               all
#   sh demos/test.sh cancel chat   these
#   sh demos/test.sh -w cancel     write the transcript anew: look at it!
CC=${CC:-cc}
WARN="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
FLAGS=${DEMO_FLAGS:--std=c99 -O1 -DASYNC_STATIC $WARN} # half the time
SPEED=${SPEED:-10}
LIMIT=60                # seconds that a demo may take at most
out=build/demos/test
failures=0
background=''
mkdir -p $out
. tests/lanes.sh
export SPEED
trap 'stop $background; exit 1' INT TERM HUP

stop() {
    for process in "$@"; do
        kill -KILL "$process" 2>/dev/null
    done
}

ok() {
    echo "ok demo_$1"
}

fail() {
    name=$1
    shift
    echo "FAIL demo_$name: $*"
    failures=$((failures + 1))
}

# limited SECONDS COMMAND...: run it, but not for longer; 137 if it was killed.
limited() {
    seconds=$1
    shift
    exec 3<&0               # a background command has no input of its own
    "$@" <&3 3<&- &
    limited_pid=$!
    exec 3<&-
    (
        trap 'kill $sleeper 2>/dev/null; exit 0' TERM
        sleep "$seconds" >/dev/null 2>&1 &
        sleeper=$!
        wait $sleeper
        kill -KILL $limited_pid 2>/dev/null
    ) >/dev/null 2>&1 &
    watcher=$!
    wait $limited_pid
    limited_status=$?
    kill $watcher 2>/dev/null
    return $limited_status
}

# ---- for demos/drive/*.sh, which define drive_NAME: 0, or 1 and why ----------

# until_it_says TEXT FILE: wait for it, ten seconds at most.
until_it_says() {
    tries=100
    until grep -q "$1" "$2" 2>/dev/null; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { why="it does not say '$1'"; return 1; }
        sleep 0.1 2>/dev/null || sleep 1
    done
}

# serve NAME: start a server on a free port: $port.
serve() {
    : > "$out/$1.log"
    PORT=0 "$out/$1" > "$out/$1.log" 2>&1 &
    server=$!
    background="$background $server"
    until_it_says 'listening on' "$out/$1.log" || return 1
    port=$(sed -n 's/.*listening on .* port //p' "$out/$1.log")
}

# dismiss SIGNAL NAME: end it, which it is to do at once, and with a bye.
dismiss() {
    kill "-$1" $server
    until_it_says bye "$out/$2.log" || return 1
    wait $server || { why="it ends with status $?"; return 1; }
}

build() {
    rm -f "$out/${1##*/}"
    # shellcheck disable=SC2086
    $CC $FLAGS -I. -o "$out/${1##*/}" "demos/$1.c" -lpthread \
        > "$out/${1##*/}.build" 2>&1
}

# What depends on the machine becomes N: ports, process numbers, measured times.
normal() {
    case $1 in
    tour) sed -e 's/[0-9][0-9.]*/N/g' -e 's/[#=.o~|]\{2,\}/~/g' \
              -e 's/  */ /g' ;;
    *) cat ;;
    esac
}

transcript() {
    limited $LIMIT "$out/$1" < /dev/null > "$out/$1.out" 2> "$out/$1.err"
}

# compare NAME: did it end well, and print what it should?
compare() {
    [ "$(cat "$out/$1.status")" = 0 ] || return 1
    normal "$1" < "$out/$1.out" > "$out/$1.got"
    normal "$1" < "demos/expect/$1.txt" > "$out/$1.want"
    cmp -s "$out/$1.got" "$out/$1.want"
}

# together NAME...: waiting costs nothing, so they run side by side; $late are
# those that did not print what they should.
together() {
    waiting=''
    for name in "$@"; do
        (
            transcript "$name"
            echo $? > "$out/$name.status"
        ) &
        waiting="$waiting $!"
    done
    # shellcheck disable=SC2086
    [ -z "$waiting" ] || wait $waiting
    late=''
    for name in "$@"; do
        compare "$name" || late="$late $name"
    done
}

if [ "$1" = -w ]; then
    shift
    for name in "$@"; do
        build "$name" && transcript "$name"
        cp "$out/$name.out" "demos/expect/$name.txt"
    done
    exit
fi

wanted=${*:-$(for file in demos/*.c; do basename "$file" .c; done)}
transcripts='' driven=''
for name in drive/script $wanted; do
    lane build "$name"
done
lanes_end
for name in $wanted; do
    if [ ! -x "$out/$name" ]; then
        fail "$name" "does not compile without a warning"
        head -n 20 "$out/$name.build"
    elif [ -f "demos/drive/$name.sh" ]; then
        driven="$driven $name"
    elif [ -f "demos/expect/$name.txt" ]; then
        transcripts="$transcripts $name"
    else
        fail "$name" "has no transcript in demos/expect/"
    fi
done
# A busy machine may wake a demo so late that it shows. Then it gets three times
# as long, then ten times, and a last try. The waits of the demos differ by
# tenths of a second at least.
late=$transcripts speed=$SPEED
for SPEED in $SPEED 3 1 1; do
    # shellcheck disable=SC2086
    together $late
done
for name in $transcripts; do
    case "$late " in
    *" $name "*)
        fail "$name" "status $(cat "$out/$name.status")," \
            "and the output is not demos/expect/$name.txt"
        diff "$out/$name.want" "$out/$name.got" | head -n 20
        head -n 20 "$out/$name.err" ;;
    *)  ok "$name" ;;
    esac
done
SPEED=$speed
for name in $driven; do
    why=''
    . "demos/drive/$name.sh"
    if "drive_$name"; then
        ok "$name"
    else
        fail "$name" "${why:-what it was to print is missing}"
        # shellcheck disable=SC2086
        stop $background
    fi
done
[ $failures -eq 0 ]
