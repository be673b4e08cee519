#pragma once
#include "record.h"
/* ===========================================================================
 * trace_write: what the writers of a trace have in common. Not a public part.
 *
 * A recording is told again as slices: from here to there this task ran, was
 * ready to, or waited. A writer is two functions, which are given each event
 * and each slice, in the order of their ends.
 * ======================================================================== */
#if ASYNC_TRACE && ASYNC_HOSTED

/* What a task does. Of one whose spawn was lost, it is unknown at first. */
enum { ASYNC_ROW_UNKNOWN_, ASYNC_ROW_READY_, ASYNC_ROW_RUNS_,
       ASYNC_ROW_WAITS_, ASYNC_ROW_DONE_ };

/* One spawn. Times are nanoseconds since the first event. */
typedef struct async_row_ {
    uint32_t id;
    int state, next;            /* what it becomes where a slice ends */
    const char *name;           /* the last one that it has */
    uint64_t first, last;       /* of its events; a task that is not done goes
                                   on to the end of the recording */
    uint64_t since;             /* its state */
    uint64_t ran;               /* since when, the last time */
    const char *what;           /* it waits in; or woke it */
    const void *on;
    bool done;                  /* in the recording, with that result */
    int result;
    uint32_t arrow;             /* of who woke or spawned it; 0: none */
    double drawn[2];            /* how far, see trace_svg.c */
} async_row_;

typedef struct async_writer_ async_writer_;
struct async_writer_ {
    const async_recorder *recorder;
    async_row_ *rows;           /* in the order of their spawns */
    size_t count;
    uint64_t end;               /* of the recording */
    uint32_t arrows;
    void (*event)(async_writer_ *writer, const async_trace_event *event,
                  async_row_ *row, uint64_t at);
    void (*slice)(async_writer_ *writer, async_row_ *row, uint64_t until);
    async_trace_out out;
    void *to;
    int error;                  /* the first; then nothing more is written */
    size_t used;
    char text[512];
};

/* Look at all rows: their first, last, name. 0, or an error. */
ASYNC_API int async_writer_open_(async_writer_ *writer,
                                 const async_recorder *recorder,
                                 async_trace_out out, void *to);
/* Tell it all, after the functions were set: once, or more than once. */
ASYNC_API void async_writer_tell_(async_writer_ *writer);
/* Write what is left, free the rows; the error, or 0. */
ASYNC_API int async_writer_close_(async_writer_ *writer);

/* The row with that number, or NULL. */
ASYNC_API async_row_ *async_writer_row_(const async_writer_ *writer,
                                        uint32_t id);

/* So long is that in nanoseconds. */
ASYNC_API uint64_t async_nanoseconds_(async_ticks ticks);

ASYNC_API void async_put_(async_writer_ *writer, const char *text,
                          size_t length);
ASYNC_API void async_puts_(async_writer_ *writer, const char *text);
ASYNC_API void async_put_number_(async_writer_ *writer, uint64_t number);
ASYNC_API void async_put_signed_(async_writer_ *writer, int number);
/* number / 10^digits, with so many decimals. */
ASYNC_API void async_put_decimal_(async_writer_ *writer, uint64_t number,
                                  int digits);
/* A text of the program, or of the user, as JSON or XML wants it. Of a name of
 * the library, without its options; at most so many characters. */
ASYNC_API void async_put_json_(async_writer_ *writer, const char *text);
ASYNC_API void async_put_xml_(async_writer_ *writer, const char *text,
                              size_t most);

/* How many characters that will be. */
ASYNC_API size_t async_text_length_(const char *text);

#endif
