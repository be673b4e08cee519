#!/bin/sh
# Builds a firmware demo and runs it in an emulator, faster than real time:
# called by `make emulate DEMO=crossing BOARD=virt`.
cd "$(dirname "$0")/../.." || exit 1
. tests/firmware/boards.sh
demo=${1:-blink}
board=${2:-virt}
build_runner
lack=$(missing "$board")
if [ -n "$lack" ]; then
    echo "$board: no $lack"
    exit 1
fi
make -s -f demos/firmware/firmware.mk BOARDS="$board" DEMO="$demo" || exit 1
text=demos/firmware/input/$demo.txt
[ -f "$text" ] || text=/dev/null
emulate "$board" "$out/$board/$demo.elf" "$text"
