# Building for the emulated boards, and running there. Sourced from the top of
# the tree by the scripts beside this one.
boards='atmega328p microbit mps2 virt'
out=build/firmware
mkdir -p $out

# lacks TOOL...: the first one that is not there, or nothing
lacks() {
    for tool in "$@"; do
        command -v "$tool" > /dev/null 2>&1 || { echo "$tool"; return; }
    done
}

# missing BOARD: what it lacks to be built for and run, or nothing
missing() {
    case $1 in
        atmega*)
            lacks avr-gcc
            [ -x $out/simulate ] || echo 'libsimavr (libsimavr-dev, libelf-dev)'
            ;;
        microbit | mps2) lacks arm-none-eabi-gcc qemu-system-arm ;;
        virt) lacks riscv64-unknown-elf-gcc qemu-system-riscv32 ;;
        *) echo "such board, but $boards" ;;
    esac | head -n 1
}

# The runner for AVR, where there is the library.
build_runner() {
    ${CC:-cc} -std=gnu99 -O2 -Wall -Wextra -o $out/simulate.new \
        tests/firmware/simulate.c -lsimavr -lelf > $out/simulate.log 2>&1 &&
        mv $out/simulate.new $out/simulate
}

# emulate BOARD PROGRAM [TEXT [SHIFT [MORE...]]]: run it, TEXT arriving at its
# serial port, an instruction taking 2^SHIFT ns in qemu. The program's output
# and exit status. Nothing there takes real time; the limit is for a machine
# that has much else to do.
emulate() {
    board=$1 program=$2 text=${3:-/dev/null} shift=${4:-5}
    quiet="-monitor none -display none -serial stdio
        -icount shift=$shift,sleep=off"
    case $1 in
        microbit) machine='arm -M microbit' ;;
        mps2) machine="arm -M ${MPS2:-mps2-an385}" ;;
        virt) machine='riscv32 -M virt -bios none' ;;
    esac
    case $1 in
        microbit | mps2)
            quiet="$quiet -semihosting-config enable=on,target=native" ;;
        atmega*)
            [ $# -gt 4 ] && shift 4 || shift $#
            timeout ${LIMIT:-300} $out/simulate "$board" "$program" -i "$text" "$@"
            return
            ;;
    esac
    # shellcheck disable=SC2086
    timeout ${LIMIT:-300} qemu-system-$machine $quiet -kernel "$program" < "$text"
}
