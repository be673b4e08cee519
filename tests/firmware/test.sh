#!/bin/sh
# The firmware demos and the tests for boards, built with the cross compilers
# that are there and run in emulators.
#
#   sh tests/firmware/test.sh             all
#   sh tests/firmware/test.sh demos       the demos only; or: strikes, units
#   sh tests/firmware/test.sh -w demos    write the transcripts anew: look!
cd "$(dirname "$0")/../.." || exit 1
. tests/firmware/boards.sh
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
write=false
[ "$1" = -w ] && { write=true; shift; }
failed=0

ok() {
    echo "ok firmware_$1"
}

fail() {
    echo "FAIL firmware_$1: $2"
    [ -s "$3" ] && tail -n 12 "$3" | sed 's/^/    /'
    failed=1
}

wanted() {
    case $chosen in '' | *$1*) return 0 ;; esac
    return 1
}
chosen=$1

build_runner
targets=''
for board in $boards; do
    lack=$(missing $board)
    if [ -n "$lack" ]; then
        echo "skip firmware_$board: no $lack"
    else
        targets="$targets $board"
    fi
done

# ---- the demos: what they print is what is expected -------------------------

demos() {
    make -s -j"$jobs" -k -f demos/firmware/firmware.mk OUT=$out \
        FIRMWARE_FLAGS='-Werror -DASYNC_STATIC' BOARDS="$targets" > $out/demos.log 2>&1
    for source in demos/firmware/*.c; do
        demo=$(basename "$source" .c)
        text=demos/firmware/input/$demo.txt
        [ -f "$text" ] || text=/dev/null
        expect=demos/firmware/expect/$demo.txt
        for board in $targets; do
            base=$out/$board/$demo
            if [ ! -f "$base.elf" ]; then
                fail "${board}_$demo" 'it does not compile' $out/demos.log
                continue
            fi
            emulate "$board" "$base.elf" "$text" > "$base.out" 2> "$base.err"
            status=$?
            tr -d '\007\033' < "$base.out" > "$base.txt"
            $write && cp "$base.txt" "$expect"
            if [ $status -ne 0 ]; then
                fail "${board}_$demo" "it ended with status $status" "$base.err"
            elif ! diff "$expect" "$base.txt" > "$base.diff"; then
                fail "${board}_$demo" 'it prints something else' "$base.diff"
            else
                ok "${board}_$demo"
            fi
        done
    done
}

# ---- an interrupt at every instruction --------------------------------------

strikes() {
    make -s -j"$jobs" -k -f tests/firmware/firmware.mk OUT=$out \
        FIRMWARE_FLAGS='-Werror -DASYNC_STATIC' BOARDS="$targets" strikes > $out/strikes.log 2>&1
    for board in $targets; do
        for kind in PLAIN STEP NO_LOCK NO_CARE; do
            base=$out/$board/strike-$kind
            name=${board}_strike_$kind
            if [ ! -f "$base.elf" ]; then
                fail "$name" 'it does not compile' $out/strikes.log
                continue
            fi
            emulate "$board" "$base.elf" /dev/null 7 -s 1 > "$base.out" 2>&1
            case $kind,$? in
                PLAIN,0 | STEP,0 | NO_*,1 | NO_*,97) ok "$name" ;;
                NO_*) fail "$name" 'nobody notices that it is broken' ;;
                *) fail "$name" "$(tail -n 1 "$base.out")" ;;
            esac
        done
    done
}

# ---- the unit tests on the target --------------------------------------------

# unit NAME FLAGS BOARDS FILE... [MAKE'S]: in a folder of its own by that name
unit() {
    name=$1 flags=$2 on=$3 files=$4
    shift 4
    to=$out/$name
    make -s -j"$jobs" -k -f tests/firmware/firmware.mk OUT="$to" \
        FIRMWARE_FLAGS="-Werror $flags" BOARDS="$on" UNITS="$(echo $files)" \
        "$@" units > "$out/$name.log" 2>&1
    for board in $(echo "$on" | sed 's/atmega328p/atmega1284p/'); do
        for file in $files; do
            base=$to/$board/unit-$file
            if [ ! -f "$base.elf" ]; then
                fail "${board}_${name}_$file" 'it does not compile' \
                    "$out/$name.log"
                continue
            fi
            emulate "$board" "$base.elf" > "$base.out" 2> "$base.err"
            status=$?
            sed -n "s/^ok /ok firmware_${board}_${name}_/p" "$base.out"
            if [ $status -ne 0 ] || ! grep -q '^ok ' "$base.out"; then
                grep -v '^ok ' "$base.out" >> "$base.err"
                fail "${board}_${name}_$file" "it ended with status $status" \
                    "$base.err"
            fi
        done
    done
}

# Where int has 16 bits, a word must be aligned, a stack is small. Usually some
# of the core on two boards, with FULL=1 all there is on all of them, and in
# other configurations.
units() {
    core='task cancel loop sleep timeout coroutine try generator event lock
        semaphore condition barrier queue wait gather group pool interval timer'
    if [ -z "$FULL" ]; then
        unit unit '' "$(echo "$targets" | sed 's/mps2//; s/virt//')" \
            'task cancel timeout queue timer'
        return
    fi
    more=$(cd tests/unit && grep -L ASYNC_HOSTED py_*.c | sed 's/\.c//')
    unit unit '' "$targets" "$core call hazards $more"
    unit trace -DASYNC_TRACE=1 "$targets" trace
    case $targets in *atmega*)
        unit 16_bit_ticks -DASYNC_TICK_BITS=16 atmega328p "$core" ;;
    esac
    case $targets in *virt*)
        unit debug -DASYNC_DEBUG=1 virt "$core trail" ;;
    esac
    case $targets in *mps2*)
        MPS2=mps2-an386
        unit m4 '' mps2 "$core" \
            CPU_mps2='-mcpu=cortex-m4 -mthumb -ffreestanding'
        MPS2='' ;;
    esac
}

[ -n "$targets" ] || exit 0
wanted demos && demos
wanted strikes && strikes
wanted units && units
exit $failed
