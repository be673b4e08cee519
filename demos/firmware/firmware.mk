# Builds the firmware demos: make -f demos/firmware/firmware.mk [DEMO=blink]
# builds build/firmware/BOARD/DEMO.elf for each board whose compiler is there.

BOARDS := atmega328p microbit mps2 virt
DEMOS := blink crossing shell logger priorities idle
FW := demos/firmware
OUT ?= build/firmware
FIRMWARE_WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion

# What each board is compiled and linked with.
CC_atmega328p := avr-gcc
CPU_atmega328p := -mmcu=atmega328p -DF_CPU=16000000UL
CC_microbit := arm-none-eabi-gcc
CPU_microbit := -mcpu=cortex-m0 -mthumb -ffreestanding
CC_mps2 := arm-none-eabi-gcc
CPU_mps2 := -mcpu=cortex-m3 -mthumb -ffreestanding
CC_virt := riscv64-unknown-elf-gcc
CPU_virt := -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -mcmodel=medany \
            -ffreestanding

BARE := -nostdlib -nostartfiles -T $(FW)/boards/board.ld
RAM := -Wl,--defsym=ram_start
LINK_microbit := $(BARE) -Wl,--defsym=flash_start=0 $(RAM)=0x20000000
LINK_mps2 := $(LINK_microbit)
LINK_virt := $(BARE) -Wl,--defsym=flash_start=0x80000000 $(RAM)=0x80200000

# One file of the program, one of the board, startup: that is all.
define board_tools
BUILD_$(1) = $(CC_$(1)) -std=c99 -Os $(FIRMWARE_WARN) $$(FIRMWARE_FLAGS) \
    $(CPU_$(1)) -ffunction-sections -fdata-sections -I. -I$(FW)/boards
FILES_$(1) := $(FW)/boards/$(1).c $(FW)/boards/print.c $(FW)/boards/start.c
LIBS_$(1) := -Wl,--gc-sections $(LINK_$(1)) \
    $(if $(filter avr-gcc,$(CC_$(1))),,-lgcc)
endef
$(foreach b,$(BOARDS),$(eval $(call board_tools,$(b))))

HAVE := $(foreach b,$(BOARDS),$(if $(shell command -v $(CC_$(b))),$(b)))

demos: $(foreach b,$(HAVE),$(if $(DEMO),$(OUT)/$(b)/$(DEMO).elf,\
       $(DEMOS:%=$(OUT)/$(b)/%.elf)))

FW_FILES := $(wildcard $(FW)/boards/*)
define board_rules
$(OUT)/$(1)/%.elf: $(FW)/%.c async.h $$(FW_FILES)
	@mkdir -p $$(@D)
	$$(BUILD_$(1)) $$(if $$(filter idle,$$*),-DBOARD_TICKLESS) -o $$@ $$< \
	    $$(FILES_$(1)) $$(LIBS_$(1))
endef
$(foreach b,$(BOARDS),$(eval $(call board_rules,$(b))))

.PHONY: demos
.DELETE_ON_ERROR:
