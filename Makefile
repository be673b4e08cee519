# async.h: async/await for C.
#
#   make run     build and run the tour (DEMO=name for another demo)
#   make test    all tests; the last line is `N passed, N failed`
#   make firmware programs for microcontrollers, into build/firmware/
#   make emulate  one of them in an emulator: DEMO=crossing BOARD=virt
#   make bench   speed, beside hand-written limits: build/bench.tsv
#   make plots   figures of it, into tests/bench/plots/
#   make guard   the instructions of the hot paths, which the tests compare with,
#                into tests/bench/guard.tsv
#   make pictures what tasks do, drawn, into demos/pictures/
#   make size    bytes, cycles and stack on microcontrollers: build/size.tsv,
#                build/boards.tsv
#   make figures these two's tables into README.md
#   make async.h join src/ into the header that users copy
#   make install header and pkg-config file into PREFIX
#   make arduino a folder for the libraries of the Arduino IDE: build/arduino/

CC ?= cc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
DEMO ?= tour

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion
PARTS := $(wildcard src/*.h src/*.c) src/banner.txt src/join.sh LICENSE
DEMOS := $(basename $(notdir $(wildcard demos/*.c)))

.PHONY: all run test bench size figures lint install arduino clean demos firmware \
        emulate pictures
.DELETE_ON_ERROR:

all: async.h demos

async.h: $(PARTS)
	@sh src/join.sh > $@.$$$$ && mv $@.$$$$ $@

# ---- demos ------------------------------------------------------------------

build/demos/%: demos/%.c demos/demo.h async.h
	@mkdir -p $(@D)
	@echo "$(CC) demos/$*.c" >&2        # stdout is the demo's own: copy > file
	@$(CC) -std=c99 $(WARN) $(CFLAGS) $(CPPFLAGS) -I. -o $@ $< $(LDFLAGS) \
	    -lpthread

demos: $(DEMOS:%=build/demos/%)

run: build/demos/$(DEMO)
	@build/demos/$(DEMO) $(ARGS)

# Whatever cross compilers there are; DEMO=blink for that one only.
firmware: async.h
	@$(MAKE) -s -f demos/firmware/firmware.mk \
	    DEMO='$(filter-out tour,$(DEMO))'

emulate: async.h
	@sh tests/firmware/emulate.sh '$(filter-out tour,$(DEMO))' '$(BOARD)'

# Those of README.md: of a trace in true time.
pictures: build/demos/timeline
	@SPEED=1 build/demos/timeline demos/pictures
	@rm -f demos/pictures/*.json

# ---- tests ------------------------------------------------------------------

# FULL=1 runs every configuration; CI=true makes a skipped tool a failure.
test: async.h
	@CC='$(CC)' FULL='$(FULL)' ONLY='$(ONLY)' sh tests/run.sh

lint: async.h
	@sh tests/lint.sh

# ---- figures ----------------------------------------------------------------

-include tests/bench/bench.mk

size: async.h
	@sh tests/size/size.sh
	@sh tests/size/speed.sh

# The tables of README.md, from what the two above have measured.
figures:
	@sh tests/readme/figures.sh

# ---- the rest ---------------------------------------------------------------

install: async.h
	mkdir -p $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig
	cp async.h $(DESTDIR)$(PREFIX)/include/async.h
	printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' '' \
	    'Name: async.h' 'Description: async/await for C in one header' \
	    'Version: 0.1.0' 'Cflags: -I$${includedir}' \
	    > $(DESTDIR)$(PREFIX)/lib/pkgconfig/async.pc

# (The repository itself will do, but the IDE then finds all of src/*.h.)
arduino: async.h
	rm -rf build/arduino/async.h
	mkdir -p build/arduino/async.h/src build/arduino/async.h/examples
	cp async.h build/arduino/async.h/src
	cp library.properties demos/arduino/keywords.txt LICENSE \
	    build/arduino/async.h
	cp -r demos/arduino/[A-Z]* build/arduino/async.h/examples

clean:
	rm -rf build
