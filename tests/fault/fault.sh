#!/bin/sh
# Builds the fault injection with each backend and runs it: lines `ok NAME` or
# `FAIL NAME: why`. CC and CFLAGS as usual (the quick ways of fd.h need -O2);
# ASYNC_INCLUDE is src or `.`.
cd "$(dirname "$0")/../.." || exit 1
mkdir -p build/fault
bad=0
for program in fault subprocess offload trace; do
    for backend in EPOLL POLL KQUEUE; do
        case $program$backend in        # which have no part in it
            subprocessKQUEUE | traceKQUEUE) continue ;;
        esac
        ${CC:-cc} -std=c99 ${CFLAGS:--O2 -g} -Wall -Wextra \
            -DASYNC_$backend=1 -Itests/kqueue \
            -I"${ASYNC_INCLUDE:-src}" -o build/fault/$program$backend \
            tests/fault/$program.c -lpthread || exit 1
        $WRAP build/fault/$program$backend "$@" || bad=1
    done
done
${CC:-cc} -std=c99 -O0 -g -Wall -Wextra -I"${ASYNC_INCLUDE:-src}" \
    -o build/fault/count tests/fault/count.c -lpthread || exit 1
build/fault/count || bad=1
exit $bad
