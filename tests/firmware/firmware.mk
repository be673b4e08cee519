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

.PHONY: strikes
