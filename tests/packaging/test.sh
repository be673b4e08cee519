#!/bin/sh
# What is put into packages: the Arduino library as its IDE builds it, the
# manifests, and make install.
here=tests/packaging
out=build/test/packaging
CC=${CC:-cc}
rm -rf $out
mkdir -p $out
bad=0

has() { command -v "$1" >/dev/null 2>&1; }

fail() {
    echo "FAIL packaging_$1: $(printf %s "$2" | tr '\n' ' ' | cut -c1-300)"
    bad=1
}

# check NAME COMMAND...: it succeeds, without a word
check() {
    name=$1
    shift
    if words=$("$@" 2>&1) && [ -z "$words" ]; then
        echo "ok packaging_$name"
    else
        fail "$name" "$words"
    fi
}

# same NAME FILE EXPECTED
same() {
    if cmp -s "$2" "$3"; then
        echo "ok packaging_$1"
    else
        fail "$1" "$(diff "$2" "$3" | head -n 4)"
    fi
}

# ---- versions ----------------------------------------------------------------

number=$(awk '$2 == "ASYNC_VERSION" { print $3; exit }' async.h)
version=$((number / 10000)).$((number / 100 % 100)).$((number % 100))
versions() {
    grep -qx "version=$version" library.properties \
        || echo "library.properties is not $version"
    grep -q "\"version\": \"$version\"" library.json \
        || echo "library.json is not $version"
}
check versions versions

# ---- manifests ---------------------------------------------------------------

properties() {
    for field in name version author maintainer sentence paragraph category \
                 architectures; do
        grep -q "^$field=." library.properties || echo "no $field"
    done
    # The IDE compiles each file of src/: as a library, the linker takes what
    # a sketch does not define itself.
    grep -qx 'dot_a_linkage=true' library.properties || echo 'no archive'
}
check library_properties properties
if has python3; then
    json() { python3 -m json.tool library.json >/dev/null; }
elif has node; then
    json() { node -e 'JSON.parse(require("fs").readFileSync("library.json"))'; }
else
    json() { tr -d ' \n' < library.json | grep -q '^{.*}$'; }
fi
check library_json json

keywords() {
    awk -F '\t' '/^#/ || NF == 0 { next }
        NF != 2 || $2 !~ /^(KEYWORD[12]|LITERAL1)$/ { print "bad: " $0 }
        $1 in seen { print "twice: " $1 }
        { seen[$1] }' demos/arduino/keywords.txt
    grep -oE '[A-Za-z_][A-Za-z0-9_]*' async.h | sort -u > $out/words
    grep -v '^#' demos/arduino/keywords.txt | cut -f1 | sort -u \
        | comm -23 - $out/words
}
check keywords keywords

# ---- sketches ----------------------------------------------------------------

# The IDE puts `#include <Arduino.h>` first, declares the functions, and finds
# the library in its src/: of the folder that `make arduino` makes, and further
# below of the repository itself.
warn='-Wall -Wextra -Werror'
sketches='Blink Button Commands'
found=$(cd demos/arduino && echo */)
[ "$found" = 'Blink/ Button/ Commands/' ] \
    || fail examples "untested: $found"

# sketch COMPILER FLAGS...: $sketch is compiled for the stand-in of a board
sketch() {
    "$@" $warn -DARDUINO=10819 -I$here/arduino "-DSCRIPT=\"$sketch.script\"" \
        -x c++ -include Arduino.h demos/arduino/$sketch/$sketch.ino \
        $here/arduino/board.cpp
}

avr='-mmcu=atmega328p -DF_CPU=16000000UL -Os -std=gnu++11
    -ffunction-sections -fdata-sections -Wl,--gc-sections'
esc=$(printf '\033')
in_simavr() {
    timeout 120 simavr -m atmega328p -f 16000000 "$1" 2>&1 \
        | sed -e "s/$esc\\[[0-9;]*m//g" -e 's/\.$//' -e '/^Loaded /d'
}

package() {
    make -s arduino >$out/arduino.log 2>&1 || cat $out/arduino.log
    (cd build/arduino/async.h && find . -type f | LC_ALL=C sort) > $out/files.txt
    printf './%s\n' LICENSE examples/Blink/Blink.ino \
        examples/Button/Button.ino examples/Commands/Commands.ino \
        keywords.txt library.properties src/async.h | LC_ALL=C sort \
        | diff $out/files.txt -
}
check arduino_folder package

for sketch in $sketches; do
    if has g++; then
        # (the joined header: what PlatformIO takes)
        check "${sketch}_compiles" sketch g++ -std=c++11 -DASYNC_HOSTED=0 -I. \
            -o $out/$sketch
        timeout 120 $out/$sketch > $out/$sketch.txt 2>&1
        same "${sketch}_runs" $out/$sketch.txt $here/arduino/$sketch.txt
    else
        echo 'skip packaging_sketches: no g++'
    fi
    if has avr-g++; then
        # shellcheck disable=SC2086
        check "${sketch}_compiles_for_avr" sketch avr-g++ $avr -flto \
            -Ibuild/arduino/async.h/src \
            -o $out/$sketch.elf
        if has simavr; then
            in_simavr $out/$sketch.elf > $out/$sketch.avr.txt
            same "${sketch}_runs_in_simavr" $out/$sketch.avr.txt \
                $here/arduino/$sketch.txt
        else
            echo 'skip packaging_simavr: no simavr'
        fi
    else
        echo 'skip packaging_avr: no avr-g++'
    fi
done

# ---- as the IDE builds a library ---------------------------------------------

# Each .c of src/ by itself, and an archive of them. A sketch that defines
# ASYNC_IMPLEMENTATION brings its own functions, one that does not gets them
# from there.
archive() {
    ls src/*.c | xargs -P2 -I{} sh -c "avr-gcc -mmcu=atmega328p -Os \
        -std=gnu11 $warn -DARDUINO=10819 -ffunction-sections -fdata-sections \
        -Isrc -c -o $out/lib/\$(basename {}).o {} || exit 255" || return 1
    avr-gcc-ar rcs $out/lib/async.a $out/lib/*.o
}
# blink FLAG...: Blink, and the archive behind it
blink() {
    sed "$1" demos/arduino/Blink/Blink.ino > $out/plain.ino
    # shellcheck disable=SC2086
    avr-g++ $avr $warn -DARDUINO=10819 -I$here/arduino -Isrc \
        '-DSCRIPT="Blink.script"' -o $out/plain.elf -x c++ \
        -include Arduino.h $out/plain.ino $here/arduino/board.cpp \
        -x none $out/lib/async.a
}
if has avr-g++; then
    mkdir -p $out/lib
    check every_file_compiles_for_the_ide archive
    check sketch_with_its_own_functions blink ''
    check sketch_with_the_librarys blink '/define ASYNC_IMPLEMENTATION/d'
    if has simavr; then
        in_simavr $out/plain.elf > $out/plain.txt
        same sketch_with_the_librarys_runs $out/plain.txt \
            $here/arduino/Blink.txt
    fi
fi

# Against the headers of the real thing.
core=/usr/share/arduino/hardware/arduino/avr
real() {
    # shellcheck disable=SC2086
    avr-g++ $avr -w -DARDUINO=10819 -DARDUINO_AVR_UNO -DARDUINO_ARCH_AVR \
        -I$core/cores/arduino -I$core/variants/standard -Isrc -c \
        -o $out/real.o -x c++ -include Arduino.h \
        demos/arduino/$sketch/$sketch.ino
}
if ! [ -f $core/cores/arduino/Arduino.h ]; then
    echo 'skip packaging_arduino_core: no arduino-core-avr'
elif has avr-g++; then
    for sketch in $sketches; do
        check "${sketch}_compiles_with_arduino-core-avr" real
    done
fi

# ---- make install ------------------------------------------------------------

root=$PWD/$out/root
install_it() {
    make -s install DESTDIR="$root" PREFIX=/opt/async > $out/install.log 2>&1 \
        || cat $out/install.log
    cmp async.h "$root/opt/async/include/async.h"
}
check install install_it
cat > $out/user.c <<'EOF'
#define ASYNC_IMPLEMENTATION
#include <async.h>
struct nap { async_frame frame; };
static ASYNC nap(struct nap *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(1)));
    ASYNC_RETURN(7);
    ASYNC_END;
}
int main(void)
{
    static struct nap frame;
    return async_run(nap, &frame) == 7 ? 0 : 1;
}
EOF
export PKG_CONFIG_LIBDIR="$root/opt/async/lib/pkgconfig"
export PKG_CONFIG_SYSROOT_DIR="$root"
installed() {
    # shellcheck disable=SC2046
    $CC -std=c99 -o $out/user $out/user.c \
        $(pkg-config --cflags --libs async) -lpthread && $out/user
}
pc_version() {
    said=$(pkg-config --modversion async)
    [ "$said" = "$version" ] || echo "it says $said, not $version"
}
if has pkg-config; then
    check pkg_config_version pc_version
    check pkg_config installed
else
    echo 'skip packaging_pkg_config: no pkg-config'
fi
exit $bad
