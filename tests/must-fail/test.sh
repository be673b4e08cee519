#!/bin/sh
# See tests/compile.sh; with FULL=1 also against the joined header.
sh tests/compile.sh must-fail/ || bad=1
if [ -n "$FULL" ]; then
    ASYNC_INCLUDE=. sh tests/compile.sh must-fail/ || bad=1
fi
exit ${bad:-0}
