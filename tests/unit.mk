# Builds the unit tests in one configuration, and runs them:
#   make -f tests/unit.mk NAME=gcc-O2 COMPILER='gcc -std=c99 -O2' INCLUDE=src
# WRAP runs the program under something (valgrind); DEFINES are knobs.

OUT := build/test/$(NAME)
UNITS := $(if $(UNITS),$(UNITS),$(sort $(wildcard tests/unit/*.c)))
OBJS := $(UNITS:tests/unit/%.c=$(OUT)/%.o) $(OUT)/test.o $(OUT)/virtual.o \
        $(OUT)/table.o
WARN ?= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
ALL = $(COMPILER) $(WARN) $(DEFINES) -I$(INCLUDE) -Itests

$(OUT)/unit: $(OBJS)
	$(subst -x c++,,$(COMPILER)) -o $@ $(OBJS) $(LIBS)

$(OUT)/%.o: tests/unit/%.c tests/test.h $(HEADERS)
	@mkdir -p $(OUT)
	$(ALL) -c -o $@ $<

$(OUT)/%.o: tests/%.c tests/test.h $(HEADERS)
	@mkdir -p $(OUT)
	$(ALL) -c -o $@ $<

$(OUT)/table.o: $(UNITS) tests/list.sh
	@mkdir -p $(OUT)
	sh tests/list.sh $(UNITS) > $(OUT)/table.c
	$(COMPILER) -c -o $@ $(OUT)/table.c
