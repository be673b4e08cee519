# Benchmarks: make bench, QUICK=1 make bench, make bench-limits; make plots
# draws what was measured; make guard writes the table of instructions that the
# tests compare with.
# Every tests/bench/*_*.c is a program; those that end in _async or _coarse use
# async.h, those in peers/ what is installed of other libraries and languages.
BENCH_OUT = build/bench
BENCH_CFLAGS = -std=c99 -O2 -Wall -Wextra
BENCH_LDLIBS = -pthread
BENCH_HEADERS = $(wildcard tests/bench/*.h)
BENCH_SOURCES = $(wildcard tests/bench/*_*.c)
BENCH_ASYNC = $(patsubst tests/bench/%.c,$(BENCH_OUT)/%,\
    $(filter %_async.c %_coarse.c,$(BENCH_SOURCES)))
BENCH_LIMITS = $(patsubst tests/bench/%.c,$(BENCH_OUT)/%,\
    $(filter-out %_async.c %_coarse.c,$(BENCH_SOURCES)))
BENCH_OBJECTS = $(BENCH_OUT)/bench.o $(BENCH_OUT)/clients.o

.PHONY: bench bench-limits guard plots
bench: $(BENCH_LIMITS) $(BENCH_ASYNC)
	@CC='$(CC)' CXX='$(CXX)' sh tests/bench/peers.sh $(BENCH_OUT)
	@sh tests/bench/run.sh $(BENCH_OUT) build/bench.tsv

bench-limits: $(BENCH_LIMITS)
	@sh tests/bench/run.sh $(BENCH_OUT) build/bench-limits.tsv limit ring

plots:
	@sh tests/bench/plots.sh build/bench.tsv tests/bench/plots

guard: async.h
	@CC='$(CC)' sh tests/bench/test.sh -w

$(BENCH_OUT)/%.o: tests/bench/%.c $(BENCH_HEADERS)
	@mkdir -p $(BENCH_OUT)
	$(CC) $(BENCH_CFLAGS) -c -o $@ $<

$(BENCH_OUT)/library.o: tests/bench/library.c async.h
	@mkdir -p $(BENCH_OUT)
	$(CC) $(BENCH_CFLAGS) -I. -c -o $@ $<

$(BENCH_ASYNC): $(BENCH_OUT)/%: tests/bench/%.c $(BENCH_HEADERS) async.h \
    $(BENCH_OUT)/library.o $(BENCH_OBJECTS)
	$(CC) $(BENCH_CFLAGS) -I. -o $@ $< $(BENCH_OUT)/library.o \
	    $(BENCH_OBJECTS) $(BENCH_LDLIBS)

$(BENCH_LIMITS): $(BENCH_OUT)/%: tests/bench/%.c $(BENCH_HEADERS) \
    $(BENCH_OBJECTS)
	$(CC) $(BENCH_CFLAGS) -o $@ $< $(BENCH_OBJECTS) $(BENCH_LDLIBS)
