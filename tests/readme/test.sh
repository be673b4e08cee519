#!/bin/sh
# Compiles and runs every block of code in the README, and checks its tables.
#
#   sh tests/readme/test.sh
#
# A ```c block is a program; the ```text block that follows it is its output.
# A comment on the line before a block says what else is to be done with it:
#
#   <!-- fragment: needs NAME -->   it is included by tests/readme/NAME.c
#   <!-- driver: NAME -->           it runs until tests/readme/NAME ends it
#   <!-- board: NAME -->            it is compiled for avr, arm or arduino; or
#                                   run above a stand-in for esp-idf or zephyr
#
# In a ```sh block each `make ...` must name existing targets.
cd "$(dirname "$0")/../.." || exit 1
CC=${CC:-cc}
LC_ALL=C
export CC LC_ALL
here=tests/readme
out=build/test/readme
warn='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
rm -rf $out
mkdir -p $out
failed=0

ok() { echo "ok readme_$1"; }
skip() { echo "skip readme_$1: $2"; }
fail()
{
    echo "FAIL readme_$1: $2"
    [ -n "$3" ] && head -n 12 "$3" | sed 's/^/    /'
    failed=1
}

# Each block becomes a file N.kind, with its line and its comment in N.about;
# the output of block N is N.text.
awk -v out=$out '
/^<!-- (fragment|driver|board): / {
    about = substr($2, 1, length($2) - 1) " " $(NF - 1)
    next
}
!inside && /^```/ {
    inside = 1
    kind = substr($0, 4)
    if (kind == "text") {
        file = out "/" n ".text"
    } else {
        n++
        file = out "/" n "." (kind == "" ? "picture" : kind)
        print NR, (about == "" ? "program -" : about) > (out "/" n ".about")
    }
    printf "" > file
    about = ""
    next
}
inside && /^```/ { inside = 0; close(file); next }
inside { print > file }
!inside && NF > 0 { about = "" }
' README.md

# run NAME LIMIT COMMAND...: under a time limit, where there is timeout(1)
limited()
{
    seconds=$1
    shift
    if command -v timeout >/dev/null 2>&1; then
        timeout "$seconds" "$@"
    else
        "$@"
    fi
}

program()       # NAME BASE SOURCE FLAGS...
{
    name=$1 base=$2 source=$3
    shift 3
    if ! $CC -std=c99 $warn -O1 -DASYNC_STATIC -I. "$@" -o "$base.x" \
            "$source" -lpthread \
            > "$base.log" 2>&1; then
        fail "$name" 'it does not compile' "$base.log"
        return 1
    fi
}

output()        # NAME BASE
{
    limited 60 "$2.x" > "$2.out" 2> "$2.log"
    status=$?
    if [ $status -ne 0 ]; then
        fail "$1" "it ended with status $status" "$2.log"
    elif [ ! -f "$2.text" ]; then
        ok "$1"
    elif diff "$2.text" "$2.out" > "$2.log"; then
        ok "$1"
    else
        fail "$1" 'it prints something else' "$2.log"
    fi
}

board()         # NAME BASE BOARD FILE
{
    more='-O2'
    case $3 in
        avr) tool=avr-gcc; more='-mmcu=atmega328p -Os -std=c99' ;;
        arm) tool=arm-none-eabi-gcc
             more='-mcpu=cortex-m3 -mthumb -Os -std=c99 -ffreestanding' ;;
        arduino) tool=avr-g++
             more='-mmcu=atmega328p -Os -std=c++11 -DARDUINO=10800 -Wno-shadow' ;;
    esac
    if ! command -v $tool >/dev/null 2>&1; then
        skip "$1" "no $tool"
        return
    fi
    source=$4
    if [ "$3" = arduino ]; then
        mkdir -p "$2.d"
        cp "$4" "$2.d/fragment.h"
        source="-I$2.d $here/arduino.cpp"
    fi
    if $tool $warn $more \
            -DASYNC_HOSTED=0 -I. -c -o "$2.o" $source > "$2.log" 2>&1; then
        ok "$1"
    else
        fail "$1" 'it does not compile' "$2.log"
    fi
}

for about in $(ls $out/*.about | sort -t/ -k4 -n); do
    base=${about%.about}
    read -r line what which < "$about"
    name=line_$line
    if [ -f "$base.c" ] || [ -f "$base.cpp" ]; then
        case $what in
            program)
                program "$name" "$base" "$base.c" && output "$name" "$base" ;;
            fragment)
                mkdir -p "$base.d"
                cp "$base.c" "$base.d/fragment.h"
                program "$name" "$base" "$here/$which.c" "-I$base.d" \
                    && output "$name" "$base" ;;
            driver)
                if program "$name" "$base" "$base.c"; then
                    if sh "$here/$which" "$base.x" > "$base.log" 2>&1; then
                        ok "$name"
                    else
                        fail "$name" "$which says" "$base.log"
                    fi
                fi ;;
            board)
                file=$base.c
                [ -f "$file" ] || file=$base.cpp
                case $which in
                    esp-idf | zephyr)
                        program "$name" "$base" "$file" \
                            "-Itests/packaging/$which" \
                            && output "$name" "$base" ;;
                    *)
                        board "$name" "$base" "$which" "$file" ;;
                esac ;;
            *)
                fail "$name" "its comment says \"$what\"" ;;
        esac
    elif [ -f "$base.sh" ]; then
        while read -r command; do
            case $command in
                make*)
                    if make -n ${command#make} > "$base.log" 2>&1; then
                        ok "${name}_${command#make }"
                    else
                        fail "$name" "$command" "$base.log"
                    fi ;;
            esac
        done < "$base.sh"
    fi
done

# The pitfalls: is the message of each row what its program gives?
awk -F ' *[|] *' '
/^\| .*\]\(tests\/must-/ {
    message = $4
    file = $5
    gsub(/`/, "", message)
    sub(/^[^(]*\(/, "", file)
    sub(/\).*/, "", file)
    print file "\t" $3 "\t" message
}' README.md > $out/pitfalls
case $($CC --version 2>/dev/null) in
    *clang*) family=clang ;;
    *Free*) family=gcc ;;
    *) family=other ;;
esac
while IFS='	' read -r file who message; do
    name=pitfall_$(basename "$file" .c)
    base=$out/$name
    case $file in
        *must-fail/*)
            case $who in
                *"$family for"* | *"$family when"*) continue ;;
                *$family*) ;;
                *) continue ;;
            esac
            case $file in *too_many*) more=-DASYNC_FRAME_BITS=8 ;; *) more= ;; esac
            $CC -std=c99 -Wall -Werror -O2 $more -I. -c -o "$base.o" "$file" \
                > "$base.log" 2>&1 ;;
        *)
            $CC -std=c99 -O0 -DASYNC_DEBUG=1 -DASYNC_STATIC -w -I. -o "$base.x" "$file" \
                -lpthread > "$base.log" 2>&1 \
                && (limited 60 "$base.x") > "$base.log" 2>&1 ;;
    esac
    status=$?
    if [ $status -eq 0 ]; then
        fail "$name" 'nothing catches it'
    elif grep -qF -- "$message" "$base.log"; then
        ok "$name"
    else
        fail "$name" "it does not say \"$message\"" "$base.log"
    fi
done < $out/pitfalls 2>/dev/null

# The reference: every public name of the header, comments apart.
awk '/the implementation, in the one file/ { exit } { print }' async.h \
    | awk '
    {
        line = $0
        text = ""
        while (line != "") {
            if (inside) {
                at = index(line, "*/")
                if (at == 0) { break }
                line = substr(line, at + 2)
                inside = 0
            } else {
                at = index(line, "/*")
                if (at == 0) { text = text line; break }
                text = text substr(line, 1, at - 1) " "
                line = substr(line, at + 2)
                inside = 1
            }
        }
        gsub(/"[^"]*"/, " ", text)
        gsub(/ASYNC_ABI_\([a-z_]*\)/, " ", text)
        gsub(/[^A-Za-z0-9_]+/, "\n", text)
        print text
    }' | grep -E '^(async_|ASYNC|AWAIT)' | grep -v '_$' | sort -u \
    > $out/names
# Names inside messages, and types that only other types contain.
private='async_fds async_fd async_list async_node async_timer async_timers
ASYNC_H async_outcome_is_an_int async_too_many_awaits_for_the_frame
async_await_of_a_constant'
missing=
while read -r name; do
    case " $(echo $private) " in *" $name "*) continue ;; esac
    grep -qE "(^|[^A-Za-z0-9_])$name([^A-Za-z0-9_]|\$)" README.md \
        || missing="$missing $name"
done < $out/names
if [ -n "$missing" ]; then
    fail names "the reference lacks$missing"
else
    ok names
fi

# Nor does it name what is not there.
grep -oE '(^|[^A-Za-z0-9_])(async_|ASYNC_)[A-Za-z0-9_]*[A-Za-z0-9]' README.md \
    | sed 's/^[^aA]//' | sort -u > $out/said
{
    cat $out/names
    grep -oE '(async_|ASYNC_)[A-Za-z0-9_]*[A-Za-z0-9]' async.h
} | sort -u > $out/there
unknown=$(comm -23 $out/said $out/there | tr '\n' ' ')
if [ -n "$unknown" ]; then
    fail unknown_names "$unknown"
else
    ok unknown_names
fi

# Links to files.
broken=
for link in $(grep -oE '\]\([A-Za-z][A-Za-z0-9_/.-]*\)' README.md \
              | sed 's/^](//; s/)$//' | sort -u); do
    [ -e "$link" ] || broken="$broken $link"
done
if [ -n "$broken" ]; then
    fail links "no$broken"
else
    ok links
fi
exit $failed
