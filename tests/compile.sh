#!/bin/sh
# What must not compile, what must compile without a word, and what must trap:
#
#   sh tests/compile.sh [NAME...]     those whose names contain one of these
#
# prints `ok NAME`, `FAIL NAME: why` or `skip NAME: why` per check, and returns
# 1 after a FAIL. CC_LIST names the C compilers (each brings its C++ sibling),
# ASYNC_INCLUDE where async.h is: src, or . for the joined header.
#
# The programs say in their first comment what is expected of them, in lines
#
#   must-fail/   ` * gcc c -O2: regex`   by which family of compilers (gcc or
#                clang), in which language, with which flags, is it refused,
#                and with what message? Where no line is, nothing is asked.
#   must-pass/   ` * flags: ...` to be added, ` * only c` or ` * only c++`,
#                ` * notes` where notes without a warning are let pass
#   must-trap/   ` * trap: regex` of its last words; ` * flags: ...`
#
# Those that must trap are linked to one library for each compiler, unless they
# have flags or hooks of their own.
ROOT=$(cd "$(dirname "$0")/.." && pwd)
SELF=$ROOT/tests/compile.sh
WARN="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wimplicit-fallthrough \
-Wswitch-default -Wswitch-enum -Wunused-label -Werror"
APART=$ROOT/build/test/apart-${ASYNC_INCLUDE:-src}
case $APART in *.) APART=${APART}joined ;; esac

# compiler CC LANG: what to call
compiler() {
    case $2 in
    c)   echo "$1 -std=c99" ;;
    c++) echo "$(echo "$1" | sed 's/gcc/g++/; s/clang/clang++/') \
-x c++ -std=c++11" ;;
    esac
}

# apart FILE FLAGS: can it be compiled without the implementation?
apart() {
    [ -z "$2" ] && grep -q '^#define ASYNC_IMPLEMENTATION' "$1" \
        && ! grep '^ *# *define ASYNC' "$1" | grep -qv 'ASYNC_IMPLEMENTATION$'
}

# library CC LANG: what they are linked to. Its words, if there are any, are
# those of all who need it.
library() {
    # shellcheck disable=SC2046
    $(compiler "$1" "$2") $WARN -DASYNC_DEBUG=1 -DASYNC_IMPLEMENTATION \
        -I"$ROOT/${ASYNC_INCLUDE:-src}" -c -o "$APART/$1-$2.o" \
        "$APART/library.c" > "$APART/$1-$2.log" 2>&1
}

# one KIND FILE CC LANG FLAGS REGEX: a single check
one() {
    kind=$1 file=$2 cc=$3 lang=$4 flags=$5 regex=$6
    name="$kind/$(basename "$file" .c) $cc $lang${flags:+ $flags}"
    name="$name${ASYNC_INCLUDE:+ joined}"
    include="-I$ROOT/${ASYNC_INCLUDE:-src}"
    compile=$(compiler "$cc" "$lang")
    if ! command -v ${compile%% *} >/dev/null 2>&1; then
        echo "skip $name: no ${compile%% *}"
        return
    fi
    case $kind in
    must-fail)
        # shellcheck disable=SC2086
        if words=$($compile $flags $include -c -o /dev/null "$file" 2>&1); then
            echo "FAIL $name: it compiles"
        elif echo "$words" | grep -Eq "$regex"; then
            echo "ok $name"
        else
            echo "FAIL $name: it says $(echo "$words" | grep error | head -1)"
        fi ;;
    must-pass)
        # shellcheck disable=SC2086
        if ! words=$($compile $WARN $flags $include -c -o /dev/null "$file" \
                     2>&1) || [ -n "$words" ] && ! grep -q '^ \* notes$' \
                                                   "$file"; then
            echo "FAIL $name: $(echo "$words" | head -3 | tr '\n' ' ')"
        else
            echo "ok $name"
        fi ;;
    must-trap)
        program=$(mktemp "${TMPDIR:-/tmp}/must-trap.XXXXXX")
        library=''
        if apart "$file" "$flags"; then
            library="-x none $APART/$cc-$lang.o"
            include=-I$APART
        else
            include="$include -DASYNC_STATIC"
        fi
        # shellcheck disable=SC2086
        if [ -n "$library" ] && [ -s "$APART/$cc-$lang.log" ]; then
            echo "FAIL $name: $(head -3 "$APART/$cc-$lang.log" | tr '\n' ' ')"
        elif ! words=$($compile $WARN -DASYNC_DEBUG=1 $flags $include \
                     -o "$program" "$file" $library 2>&1); then
            echo "FAIL $name: $(echo "$words" | head -3 | tr '\n' ' ')"
        elif words=$( (ulimit -c 0; exec "$program") 2>&1 ); then
            echo "FAIL $name: it goes on: $words"
        elif echo "$words" | grep -Eq "$regex"; then
            echo "ok $name"
        else
            echo "FAIL $name: it says $words"
        fi
        rm -f "$program" ;;
    esac 2>/dev/null
}

# The checks that the programs ask for: one a line, its parts kept apart by |.
list() {
    for file in "$ROOT"/tests/must-fail/*.c; do
        for cc in ${CC_LIST:-gcc clang clang-19}; do
            sed -n '1,/\*\//s/^ \* \(\(gcc\|clang\) c[^:]*: .*\)$/\1/p' \
                "$file" | while IFS= read -r line; do
                what=${line%%: *}
                family=${what%% *} rest=${what#* }
                lang=${rest%% *} flags=${rest#"$lang"}
                case $cc in
                "$family"*)
                    echo "must-fail|$file|$cc|$lang|${flags# }|${line#*: }" ;;
                esac
            done
        done
    done
    for kind in must-pass must-trap; do
        for file in "$ROOT/tests/$kind"/*.c; do
            flags=$(sed -n '1,/\*\//s/^ \* flags: //p' "$file")
            only=$(sed -n '1,/\*\//s/^ \* only //p' "$file")
            regex=$(sed -n '1,/\*\//s/^ \* trap: //p' "$file")
            for cc in ${CC_LIST:-gcc clang clang-19}; do
                for lang in ${only:-c c++}; do
                    echo "$kind|$file|$cc|$lang|$flags|$regex"
                    case $kind in
                    must-pass)
                        echo "$kind|$file|$cc|$lang|-O2${flags:+ $flags}|" ;;
                    esac
                done
            done
        done
    done
}

if [ "$1" = --one ]; then
    IFS='|' read -r kind file cc lang flags regex <<END
$2
END
    one "$kind" "$file" "$cc" "$lang" "$flags" "$regex"
    exit
elif [ "$1" = --library ]; then
    library "${2%|*}" "${2#*|}"
    exit
fi

found=''
for cc in ${CC_LIST:-gcc clang clang-19}; do
    if command -v "$cc" >/dev/null 2>&1; then
        found="$found $cc"
    else
        echo "skip compile: no $cc"
    fi
done
CC_LIST=$found

wanted=$*
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
checks=$(list | while IFS= read -r line; do
    if [ -z "$wanted" ]; then
        printf '%s\n' "$line"
    fi
    for want in $wanted; do
        case $line in
        *"$want"*) printf '%s\n' "$line" ;;
        esac
    done
done)

libraries=$(printf '%s\n' "$checks" \
    | sed -n 's/^must-trap|[^|]*|\([^|]*|[^|]*\)|.*/\1/p' | sort -u)
if [ -n "$libraries" ]; then
    rm -rf "$APART"
    mkdir -p "$APART"
    header=$ROOT/${ASYNC_INCLUDE:-src}/async.h
    printf '#undef ASYNC_IMPLEMENTATION\n#include "%s"\n' "$header" \
        > "$APART/async.h"
    printf '#include "%s"\n' "$header" > "$APART/library.c"
    printf '%s\n' "$libraries" | xargs -P "$jobs" -I '{}' \
        sh "$SELF" --library '{}'
fi
result=$(printf '%s\n' "$checks" | tr '\n' '\0' \
    | xargs -0 -P "$jobs" -n 1 sh "$SELF" --one)
echo "$result" | sort -k 2
! echo "$result" | grep -q '^FAIL'
