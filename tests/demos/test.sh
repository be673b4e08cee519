#!/bin/sh
# The demos and their transcripts, see demos/test.sh; FULL=1 a second time with
# the checks of a debug build, which changes nothing that they print.
sh demos/test.sh
status=$?
if [ -n "$FULL" ]; then
    DEMO_FLAGS='-std=c99 -O0 -DASYNC_DEBUG=1 -Wall -Wextra -Werror' sh demos/test.sh
    status=$((status | $?))
fi
exit $status
