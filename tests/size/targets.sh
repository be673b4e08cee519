# The targets, and how a program is built for one. Sourced by size.sh and
# test.sh, from the top of the tree.
targets='avr-16 avr-32 cortex-m0 cortex-m3 rv32'
warn='-Wall -Wextra -Wpedantic -Wshadow -Wconversion'
here=tests/size
boards=demos/firmware/boards
out=build/size
mkdir -p $out

# prefix TARGET: how its tools' names begin
prefix() {
    case $1 in
        avr-*) echo avr- ;;
        cortex-*) echo arm-none-eabi- ;;
        rv32) echo riscv64-unknown-elf- ;;
    esac
}

# have TARGET: is there a compiler?
have() {
    command -v "$(prefix "$1")gcc" > /dev/null 2>&1
}

# build TARGET NAME SOURCE FLAGS...: $out/TARGET-NAME.elf
build() {
    target=$1 name=$2 source=$3
    shift 3
    bare="-ffreestanding -nostdlib -nostartfiles -T $boards/board.ld"
    case $target in
        avr-*)
            set -- -mmcu=atmega328p -DF_CPU=16000000UL \
                -DASYNC_TICK_BITS="${target#avr-}" "$@"
            bare= libs=
            ;;
        cortex-*)
            set -- -mcpu="$target" -mthumb "$@"
            bare="$bare -Wl,--defsym=flash_start=0"
            bare="$bare -Wl,--defsym=ram_start=0x20000000" libs=-lgcc
            ;;
        rv32)
            set -- -march=rv32imac -misa-spec=2.2 -mabi=ilp32 \
                -mcmodel=medany "$@"
            bare="$bare -Wl,--defsym=flash_start=0x80000000"
            bare="$bare -Wl,--defsym=ram_start=0x80200000" libs=-lgcc
            ;;
    esac
    "$(prefix "$target")gcc" -std=c99 -Os $warn -ffunction-sections \
        -fdata-sections -Wl,--gc-sections $bare -I. -I$here "$@" \
        -o "$out/$target-$name.elf" $source $boards/start.c $libs
}

# bytes TARGET NAME: flash and RAM of a built program
bytes() {
    "$(prefix "$1")size" "$out/$1-$2.elf" |
        awk 'NR == 2 { print $1 + $2, $2 + $3 }'
}

# symbols TARGET NAME: size, letter and name of each symbol, in decimal
symbols() {
    "$(prefix "$1")nm" -S -t d "$out/$1-$2.elf" |
        awk 'NF == 4 { print $2 + 0, $3, $4 }'
}

# The programs: NAME SOURCE FLAG...; all but the first three take in async.h,
# as one file (ASYNC_STATIC), as a firmware author does who counts bytes.
programs() {
    cat << 'END'
empty empty.c
superloop superloop.c
byhand byhand.c
blink blink.c -DASYNC_STATIC
program core.c -DASYNC_STATIC
program-step core.c -DASYNC_STATIC -DSTEP
join core.c -DASYNC_STATIC -DJOIN
shield core.c -DASYNC_STATIC -DSHIELD
timeout core.c -DASYNC_STATIC -DTIMEOUT
irq core.c -DASYNC_STATIC -DIRQ
future core.c -DASYNC_STATIC -DFUTURE
try core.c -DASYNC_STATIC -DTRY
generator core.c -DASYNC_STATIC -DGENERATOR
event core.c -DASYNC_STATIC -DEVENT
lock core.c -DASYNC_STATIC -DLOCK
semaphore core.c -DASYNC_STATIC -DSEMAPHORE
condition core.c -DASYNC_STATIC -DCONDITION
barrier core.c -DASYNC_STATIC -DBARRIER
queue core.c -DASYNC_STATIC -DQUEUE
queue-lifo core.c -DASYNC_STATIC -DQUEUE -DQUEUE_LIFO
queue-priority core.c -DASYNC_STATIC -DQUEUE -DQUEUE_PRIORITY
queue-end core.c -DASYNC_STATIC -DQUEUE -DQUEUE_END
call core.c -DASYNC_STATIC -DCALL
interval core.c -DASYNC_STATIC -DINTERVAL
wait core.c -DASYNC_STATIC -DWAIT
next-done core.c -DASYNC_STATIC -DNEXT_DONE
gather core.c -DASYNC_STATIC -DGATHER
race core.c -DASYNC_STATIC -DRACE
group core.c -DASYNC_STATIC -DGROUP
pool core.c -DASYNC_STATIC -DPOOL
run core.c -DASYNC_STATIC -DRUN
END
    # The core in a file of its own, so that it can be told from its user.
    echo "core core.c $here/library.c -DAPART"
    echo "structs core.c -DASYNC_STATIC -DSIZE_STRUCTS -Wl,--no-gc-sections"
}

# build_all TARGET [FLAGS...]: every program, or those whose names are in
# $only; false if one does not compile
build_all() {
    all_of=$1
    shift
    good=true
    while read -r name source flags; do
        case ${only:+" $only "} in '' | *" $name "*) ;; *) continue ;; esac
        build "$all_of" "$name" "$here/$source" $flags "$@" || good=false
    done << END
$(programs)
END
    $good
}
