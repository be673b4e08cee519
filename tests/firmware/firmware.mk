# Builds what the firmware tests run: the demos, and the programs beside this
# file. Called by test.sh, with BOARDS.
include demos/firmware/firmware.mk

# An interrupt at every instruction: strike.c, right and broken.
STRIKES := PLAIN STEP NO_LOCK NO_CARE
define strike_rules
$(OUT)/$(1)/strike-%.elf: tests/firmware/strike.c async.h $$(FW_FILES)
	@mkdir -p $$(@D)
	$$(BUILD_$(1)) -D$$* -o $$@ $$< $$(FILES_$(1)) $$(LIBS_$(1))
endef
$(foreach b,$(BOARDS),$(eval $(call strike_rules,$(b))))
strikes: $(foreach b,$(HAVE),$(STRIKES:%=$(OUT)/$(b)/strike-%.elf))

# The unit tests, an image for each file of them: UNITS names them. The AVR is
# a bigger brother of the demos' one, for its 16 KB of RAM. The tests of what
# boards have not are not compiled: the table has NULL for them.
CC_atmega1284p := avr-gcc
CPU_atmega1284p := -mmcu=atmega1284p -DF_CPU=16000000UL
$(eval $(call board_tools,atmega1284p))
FILES_atmega1284p := $(subst 1284p,328p,$(FILES_atmega1284p))
LIBS_microbit += -Wl,--defsym=ram_size=0x4000
LIBS_mps2 += -Wl,--defsym=ram_size=0x40000
LIBS_virt += -Wl,--defsym=ram_size=0x40000
UNIT_FLAGS_atmega1284p := -DTEST_TERSE -DTEST_LOG=1024
UNIT_FLAGS_microbit := -DTEST_LOG=1024
UNIT_BOARDS := $(subst atmega328p,atmega1284p,$(HAVE))
TEST_H := tests/test.h $(wildcard tests/unit/*.h)

define unit_rules
$(OUT)/$(1)/obj/%.o: tests/unit/%.c async.h $$(TEST_H)
	@mkdir -p $$(@D)
	$$(BUILD_$(1)) $$(UNIT_FLAGS_$(1)) -Itests -Itests/firmware/libc -c \
	    -o $$@ $$<
$(OUT)/$(1)/obj/harness/%.o: tests/%.c async.h $$(TEST_H)
	@mkdir -p $$(@D)
	$$(BUILD_$(1)) $$(UNIT_FLAGS_$(1)) -Dmain=test_main -Itests \
	    -Itests/firmware/libc -c -o $$@ $$<
$(OUT)/$(1)/obj/libc.o: tests/firmware/libc.c
	@mkdir -p $$(@D)
	$$(BUILD_$(1)) -Itests/firmware -fno-builtin -c -o $$@ $$<
$(OUT)/$(1)/obj/board.o: $$(FW_FILES)
	@mkdir -p $$(@D)
	$$(BUILD_$(1)) -nostdlib -r -o $$@ $$(FILES_$(1))
$(OUT)/$(1)/unit-%.elf: $(OUT)/$(1)/obj/%.o $(OUT)/$(1)/obj/libc.o \
    $(OUT)/$(1)/obj/harness/test.o $(OUT)/$(1)/obj/harness/virtual.o \
    $(OUT)/$(1)/obj/board.o
	@sh tests/list.sh tests/unit/$$*.c | sed \
	    's/(void);$$$$/(void) __attribute__((weak));/' > $$(@D)/obj/$$*.table.c
	$$(BUILD_$(1)) -o $$@ $$(filter %.o,$$^) $$(@D)/obj/$$*.table.c \
	    $$(LIBS_$(1))
endef
$(foreach b,$(BOARDS) atmega1284p,$(eval $(call unit_rules,$(b))))
units: $(foreach b,$(UNIT_BOARDS),$(UNITS:%=$(OUT)/$(b)/unit-%.elf))

# What is measured on boards, for `make size`: tests/size/speed.
SPEEDS := superloop protothread async
define speed_rules
$(OUT)/$(1)/speed-%.elf: tests/size/speed/%.c tests/size/speed/speed.h async.h \
    $$(FW_FILES)
	@mkdir -p $$(@D)
	$$(BUILD_$(1)) $$(if $$(filter avr-gcc,$(CC_$(1))),-DASYNC_TICK_BITS=16) \
	    -Itests/size/speed -o $$@ $$< $$(FILES_$(1)) $$(LIBS_$(1))
endef
$(foreach b,$(BOARDS),$(eval $(call speed_rules,$(b))))
speeds: $(foreach b,$(HAVE),$(SPEEDS:%=$(OUT)/$(b)/speed-%.elf))

.SECONDARY:
.PHONY: strikes units speeds
