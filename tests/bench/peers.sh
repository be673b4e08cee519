#!/bin/sh
# Builds the peers' programs, each where what it needs is installed, and says
# in one line which are missing. What they use is public and installed; none
# of it is here.
#
#   CC=cc CXX=c++ sh tests/bench/peers.sh BUILD_DIRECTORY
#
# peers/GROUP_SUBJECT.c becomes BUILD_DIRECTORY/GROUP_SUBJECT. peers.txt there
# names the versions, missing.txt what is not installed.
here=${0%/*}
out=$1
cc=${CC:-cc}
cxx=${CXX:-c++}
missing=''
versions=''
failed=0
log=$out/peers.log
mkdir -p "$out"
: > "$log"

# lacks TITLE PACKAGE SUBJECT: what an earlier build left must not run.
lacks()
{
    missing="$missing${missing:+, }$1 ($2)"
    rm -f "$out"/*_"$3"
}

has()
{
    versions="$versions${versions:+, }$1"
}

# Whether a program has to be built again.
older()
{
    [ ! -x "$1" ] && return 0
    for file in "$2" "$here"/peers/*.hpp "$here"/*.h \
        "$out/bench.o" "$out/clients.o" "$0"; do
        if [ -n "$(find "$file" -newer "$1")" ]; then
            return 0
        fi
    done
    return 1
}

# programs SUBJECT SUFFIX COMPILER-AND-FLAGS... -- LIBRARIES...
programs()
{
    subject=$1
    suffix=$2
    compiler=''
    shift 2
    while [ "$1" != -- ]; do
        compiler="$compiler $1"
        shift
    done
    shift
    for source in "$here"/peers/*_"$subject.$suffix"; do
        program=$out/$(basename "$source" ".$suffix")
        if older "$program" "$source"; then
            # shellcheck disable=SC2086
            if ! $compiler -O2 -Wall -Wextra -o "$program" "$source" \
                "$out/bench.o" "$out/clients.o" "$@" -pthread; then
                rm -f "$program"
                failed=1
            fi
        fi
    done
}

# library TITLE PACKAGE HEADER LIBRARY VERSION-EXPRESSION: the subject's name
# is its title. Builds the programs when a small one can be built and run.
library()
{
    cat > "$out/probe.c" <<END
#include <stdio.h>
#include <$3>
int main(void)
{
    $5;
    return 0;
}
END
    if version=$($cc -o "$out/probe" "$out/probe.c" "-l$4" 2>> "$log" &&
        "$out/probe"); then
        has "$1 $version"
        programs "$1" c "$cc" -std=c99 -- "-l$4"
    else
        lacks "$1" "$2" "$1"
    fi
}

library libuv libuv1-dev uv.h uv 'puts(uv_version_string())'
library libev libev-dev ev.h ev \
    'printf("%d.%d\n", ev_version_major(), ev_version_minor())'
library libevent libevent-dev event2/event.h event 'puts(event_get_version())'

# The first Python that has uvloop, or else the first.
python=''
for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
    candidate=$(command -v "$candidate") || continue
    "$candidate" -c 'import asyncio; asyncio.timeout' 2>> "$log" || continue
    python=${python:-$candidate}
    if "$candidate" -c 'import uvloop' 2>> "$log"; then
        python=$candidate
        break
    fi
done
rm -f "$out"/*_asyncio "$out"/*_uvloop
if [ -z "$python" ]; then
    lacks asyncio 'python3 3.11' asyncio
    lacks uvloop python3-uvloop uvloop
elif ! $cc -std=c99 -O2 -shared -fPIC -DBENCH_LIBRARY -o "$out/libbench.so" \
    "$here/bench.c" "$here/clients.c" "$here/peers/library.c"; then
    failed=1
else
    python=$("$python" -c 'import sys; print(sys.executable)')
    has "asyncio of $("$python" --version)"
    subjects=asyncio
    if version=$("$python" -c 'import uvloop; print(uvloop.__version__)' \
        2>> "$log"); then
        has "uvloop $version"
        subjects='asyncio uvloop'
    else
        lacks uvloop python3-uvloop uvloop
    fi
    for subject in $subjects; do
        for group in resume switch spawn deep sleep timeout timers pipe \
            echo cores http; do
            { echo "#!$python"; cat "$here/peers/python.py"; } \
                > "$out/${group}_$subject"
            chmod +x "$out/${group}_$subject"
        done
    done
fi

echo '#include <coroutine>
int main() { return __cplusplus < 202000L; }' > "$out/probe.cpp"
if $cxx -std=c++20 -o "$out/probe" "$out/probe.cpp" 2>> "$log" &&
    "$out/probe"; then
    has "C++20 of $($cxx --version | sed 's/ (.*)//; q')"
    programs cxx20 cpp "$cxx" -std=c++20 --
else
    lacks 'C++20 coroutines' 'g++ 11' cxx20
fi

echo '#include <pthread.h>
int main(void) { return 0; }' > "$out/probe.c"
if $cc -o "$out/probe" "$out/probe.c" -pthread 2>> "$log"; then
    has 'POSIX threads'
    programs threads c "$cc" -std=c99 --
else
    lacks 'POSIX threads' 'a libc with them' threads
fi
rm -f "$out"/probe "$out"/probe.c*

echo "$versions" > "$out/peers.txt"
: > "$out/missing.txt"
if [ -n "$missing" ]; then
    echo "not installed, so not compared: $missing" | tee "$out/missing.txt"
fi
exit $failed
