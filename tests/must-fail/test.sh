#!/bin/sh
# See tests/compile.sh; with FULL=1 also with a third compiler, and against the
# joined header.
CC_LIST=${CC_LIST:-gcc clang${FULL:+ clang-19}}
export CC_LIST
sh tests/compile.sh must-fail/ || bad=1
if [ -n "$FULL" ]; then
    ASYNC_INCLUDE=. sh tests/compile.sh must-fail/ || bad=1
fi
exit ${bad:-0}
