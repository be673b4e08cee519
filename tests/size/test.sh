#!/bin/sh
# Do the size programs compile for each target without a warning, does what a
# firmware does not use stay out of it, and does the blink blink?
#   FULL=1   every program for each target, not only what is looked into
. tests/size/targets.sh
. tests/lanes.sh

say() {
    if [ "$1" -eq 0 ]; then
        echo "ok size_$2"
    else
        echo "FAIL size_$2: $3"
    fi
}

# absent TARGET NAME FEATURE PATTERN: no symbol of the program matches
absent() {
    found=$(symbols "$1" "$2" | awk -v pattern="$4" '
        { sub(/_hosted_.*/, "", $3) }       # the options at its end
        $3 ~ /^async_/ && $3 ~ pattern { printf "%s ", $3 }')
    test -z "$found"
    say $? "$1_$2_without_$3" "it has $found"
}

# at_most TARGET NAME WHAT BYTES
at_most() {
    got=$(symbols "$1" structs |
        awk -v name="sizeof_$2" '$3 == name { print $1 }')
    test "${got:-999}" -le "$3"
    say $? "$1_$2" "$got bytes, more than $3"
}

# Runs a blink in an emulator for a virtual second; it says how it went.
run_blink() {
    program=$out/$1-$2-run.elf
    quiet='-nographic -monitor none -serial none -icount shift=0,sleep=off'
    case $1 in
        avr-*)
            timeout 120 simavr -m atmega328p -f 16000000 "$program" 2>&1 |
                grep -q Y
            ;;
        cortex-m0 | cortex-m3)
            machine=microbit
            [ "$1" = cortex-m3 ] && machine=mps2-an385
            timeout 120 qemu-system-arm -M $machine $quiet \
                -semihosting-config enable=on,target=native -kernel "$program"
            ;;
        rv32)
            timeout 120 qemu-system-riscv32 -M virt -bios none $quiet \
                -kernel "$program"
            ;;
    esac
}

emulator() {
    case $1 in
        avr-*) echo simavr ;;
        cortex-*) echo qemu-system-arm ;;
        rv32) echo qemu-system-riscv32 ;;
    esac
}

# one_target TARGET
one_target() {
    target=$1
    if ! have "$target"; then
        echo "skip size_$target: no $(prefix "$target")gcc"
        return
    fi
    log=$out/$target.log
    case $FULL$target in
        avr-16 | cortex-m0) ;;
        avr-* | cortex-* | rv32) only='core structs gather group pool queue' ;;
    esac
    build_all "$target" -Werror > "$log" 2>&1
    say $? "${target}_compiles" "$(grep -m 1 -E 'error|warning' "$log")"

    absent "$target" core timeout timeout
    absent "$target" core irq irq
    absent "$target" core join 'join|shield|tell'
    absent "$target" core future 'future|wait_|wake_one|park|link|unring'
    absent "$target" core sync 'event|lock_|semaphore|condition|barrier'
    absent "$target" core run '^async_run__h|cancel_all|each'
    absent "$target" core libc 'mem(set|cpy)'
    absent "$target" core queue 'queue|interval|call_'
    absent "$target" core several 'wait|gather|race|group|pool|on_done|scope'
    case $target in             # these are built for all only with FULL=1
        avr-16 | cortex-m0)
            absent "$target" program hooks 'tell|dispatch|unpark|park|uses'
            absent "$target" join hooks 'dispatch|scope|uses'
            absent "$target" irq hooks 'tell|unpark|scope|uses'
            # A compiler that gives up too early: then what is used is lost.
            sed 's/__builtin_constant_p(unknown)/0/' async.h \
                > "$out/misjudged.h"
            said=$(build "$target" misjudged $here/core.c -DASYNC_STATIC \
                -DIRQ -include "$out/misjudged.h" 2>&1)
            echo "$said" | grep -q 'define ASYNC_NO_WHOLE'
            say $? "${target}_a_misjudgement_is_an_error" "$said"
            build "$target" misjudged $here/core.c -DASYNC_STATIC -DIRQ \
                -DASYNC_NO_WHOLE -Werror > "$log" 2>&1
            say $? "${target}_without_the_whole" "$(head -n 3 "$log")"
            ;;
    esac
    absent "$target" gather others 'next_done|race|group|pool|scope'
    absent "$target" group others 'wait_[^_]|gather|pool|timeout'
    absent "$target" pool others 'waiter|gather|group|timeout|scope'
    absent "$target" queue other_kinds 'heap|lifo|priority|shutdown|join'
    absent "$target" queue libc 'mem(set|cpy)'
    case $target in
        avr-*)
            at_most "$target" async_frame 1
            at_most "$target" async_task 15
            ;;
        *)
            at_most "$target" async_frame 2
            at_most "$target" async_task 28
            ;;
    esac

    if ! command -v "$(emulator "$target")" > /dev/null 2>&1; then
        echo "skip size_${target}_blinks: no $(emulator "$target")"
        return
    fi
    for blink in superloop byhand blink; do
        flags=-DBOARD_RUN
        [ $blink = blink ] && flags="$flags -DASYNC_STATIC"
        build "$target" $blink-run $here/$blink.c $flags -Werror \
            > "$log" 2>&1 &&
            run_blink "$target" $blink >> "$log" 2>&1
        say $? "${target}_${blink}_runs" "$(tail -n 1 "$log")"
    done
}

for target in $targets; do
    lane one_target "$target"
done
lanes_end
