/* ===========================================================================
 * trace_write: a recording as slices, and text.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_TRACE && ASYNC_HOSTED
#include "trace_write.h"
#include "fd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- where the text goes ------------------------------------------------- */

ASYNC_API int async_trace_fd(void *fd, const char *text, size_t length)
{
    struct pollfd room;

    if (fd == NULL || text == NULL) {
        return ASYNC_EINVAL;
    }
    while (length > 0) {
        ptrdiff_t n = ASYNC_SYS_(write)(*(int *)fd, text, length);

        if (n >= 0) {
            text += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            room.fd = *(int *)fd;
            room.events = POLLOUT;
            room.revents = 0;
            (void)ASYNC_SYS_(poll)(&room, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static void async_put_out_(async_writer_ *writer)
{
    if (writer->error == 0 && writer->used > 0) {
        int rc = writer->out(writer->to, writer->text, writer->used);

        writer->error = rc < 0 ? rc : 0;
    }
    writer->used = 0;
}

ASYNC_API void async_put_(async_writer_ *writer, const char *text,
                          size_t length)
{
    while (length > 0) {
        size_t room = sizeof writer->text - writer->used;
        size_t n = length < room ? length : room;

        memcpy(writer->text + writer->used, text, n);
        writer->used += n;
        text += n;
        length -= n;
        if (writer->used == sizeof writer->text) {
            async_put_out_(writer);
        }
    }
}

ASYNC_API void async_puts_(async_writer_ *writer, const char *text)
{
    async_put_(writer, text, strlen(text));
}

/* (printf has the user's idea of a decimal point.) */
ASYNC_API void async_put_number_(async_writer_ *writer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    async_put_(writer, digits + at, sizeof digits - at);
}

ASYNC_API void async_put_signed_(async_writer_ *writer, int number)
{
    if (number < 0) {
        async_puts_(writer, "-");
    }
    async_put_number_(writer, number < 0 ? (uint64_t)0 - (uint64_t)number
                                         : (uint64_t)number);
}

ASYNC_API void async_put_decimal_(async_writer_ *writer, uint64_t number,
                                  int digits)
{
    uint64_t one = 1;
    int i;

    for (i = 0; i < digits; i++) {
        one *= 10;
    }
    async_put_number_(writer, number / one);
    if (digits > 0) {
        async_puts_(writer, ".");
        for (one /= 10; one > 0; one /= 10) {
            async_put_number_(writer, number / one % 10);
        }
    }
}

/* ---- texts --------------------------------------------------------------- */

/* The character at `text`: how many bytes it takes; 0 if they are not UTF-8
 * (too long, cut short, half of a pair, above U+10FFFF), or none for XML. */
static size_t async_character_(const unsigned char *text)
{
    static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned long code;
    size_t length, i;

    if (text[0] < 0x80) {
        return 1;
    }
    length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4) {
        return 0;
    }
    code = text[0] & (0xffu >> (length + 1));
    for (i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text[i] & 0x3fu);
    }
    if (code < least[length] || (code >= 0xd800 && code < 0xe000)
        || code > 0x10ffff || (code & 0xfffe) == 0xfffe) {
        return 0;
    }
    return length;
}

/* Where it ends: a name of the library's has its options behind it, see
 * ASYNC_ABI_, and the _ of one that is private before them. */
static const char *async_text_end_(const char *text)
{
    const char *options = strstr(text, "_hosted_");

    if (options == NULL) {
        return text + strlen(text);
    }
    return options > text && options[-1] == '_' ? options - 1 : options;
}

ASYNC_API size_t async_text_length_(const char *text)
{
    const char *end = async_text_end_(text);
    size_t count = 0;

    while (text < end) {
        size_t n = async_character_((const unsigned char *)text);

        text += n > 0 ? n : 1;
        count++;
    }
    return count;
}

static void async_put_escaped_(async_writer_ *writer, const char *text,
                               size_t length)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*text;
    char code[] = "\\u0000";

    if (length == 0) {
        async_puts_(writer, "?");
    } else if (c == '"' || c == '\\') {
        async_puts_(writer, "\\");
        async_put_(writer, text, 1);
    } else if (c < 0x20) {
        code[4] = hex[c >> 4];
        code[5] = hex[c & 15];
        async_puts_(writer, code);
    } else {
        async_put_(writer, text, length);
    }
}

ASYNC_API void async_put_json_(async_writer_ *writer, const char *text)
{
    const char *end = async_text_end_(text);

    async_puts_(writer, "\"");
    while (text < end) {
        size_t n = async_character_((const unsigned char *)text);

        async_put_escaped_(writer, text, n);
        text += n > 0 ? n : 1;
    }
    async_puts_(writer, "\"");
}

/* XML has no way to say most control characters. */
static const char *async_xml_name_(unsigned char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return c < 0x20 ? "?" : NULL;
    }
}

ASYNC_API void async_put_xml_(async_writer_ *writer, const char *text,
                              size_t most)
{
    const char *end = async_text_end_(text);
    bool fits = async_text_length_(text) <= most;

    while (text < end && (fits || most > 1)) {
        size_t n = async_character_((const unsigned char *)text);
        const char *name = n == 0 ? "?"
                                  : async_xml_name_((unsigned char)*text);

        if (name != NULL) {
            async_puts_(writer, name);
        } else {
            async_put_(writer, text, n);
        }
        text += n > 0 ? n : 1;
        most--;
    }
    if (!fits) {
        async_puts_(writer, "&#8230;");     /* an ellipsis */
    }
}

/* ---- rows ---------------------------------------------------------------- */

ASYNC_API uint64_t async_nanoseconds_(async_ticks ticks)
{
    return (uint64_t)(ticks / ASYNC_TICK_HZ) * 1000000000
        + (uint64_t)(ticks % ASYNC_TICK_HZ) * 1000000000 / ASYNC_TICK_HZ;
}

/* From one event to the next: less than half the range. A clock that goes back
 * stands still. */
static uint64_t async_between_(const async_trace_event *before,
                               const async_trace_event *event)
{
    async_ticks passed = (async_ticks)(event->time - before->time);

    return passed > ASYNC_NEVER ? 0 : async_nanoseconds_(passed);
}

ASYNC_API async_row_ *async_writer_row_(const async_writer_ *writer,
                                        uint32_t id)
{
    size_t from = 0, to = writer->count;

    while (from < to) {
        size_t at = from + (to - from) / 2;

        if (writer->rows[at].id == id) {
            return &writer->rows[at];
        }
        if (writer->rows[at].id < id) {
            from = at + 1;
        } else {
            to = at;
        }
    }
    return NULL;
}

static int async_by_id_(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

    return one < other ? -1 : one > other;
}

/* The numbers of all tasks of the recording, each once: how many. */
static size_t async_writer_ids_(const async_recorder *recorder, uint32_t *ids)
{
    size_t i, count = 0;

    for (i = 0; i < recorder->count; i++) {
        ids[i] = async_recorder_event(recorder, i)->id;
    }
    qsort(ids, recorder->count, sizeof *ids, async_by_id_);
    for (i = 0; i < recorder->count; i++) {
        if (count == 0 || ids[count - 1] != ids[i]) {
            ids[count++] = ids[i];
        }
    }
    return count;
}

static void async_writer_look_(async_writer_ *writer)
{
    const async_trace_event *event, *before = NULL;
    uint64_t at = 0;
    size_t i;

    for (i = 0; (event = async_recorder_event(writer->recorder, i)) != NULL;
         i++, before = event) {
        async_row_ *row = async_writer_row_(writer, event->id);

        at += before == NULL ? 0 : async_between_(before, event);
        if (row->name == NULL) {
            row->first = at;
        }
        row->name = event->name;
        row->last = at;
        if (event->point == ASYNC_TRACE_DONE) {
            row->done = true;
            row->result = event->value;
        }
    }
    writer->end = at;
    for (i = 0; i < writer->count; i++) {
        if (!writer->rows[i].done) {
            writer->rows[i].last = at;
        }
    }
}

ASYNC_API int async_writer_open_(async_writer_ *writer,
                                 const async_recorder *recorder,
                                 async_trace_out out, void *to)
{
    size_t i, n;
    uint32_t *ids;

    if (recorder == NULL || out == NULL) {
        return ASYNC_EINVAL;
    }
    writer->recorder = recorder;
    writer->rows = NULL;
    writer->count = 0;
    writer->end = 0;
    writer->out = out;
    writer->to = to;
    writer->error = 0;
    writer->used = 0;
    if (recorder->count == 0) {
        return 0;
    }
    ids = (uint32_t *)ASYNC_SYS_(calloc)(recorder->count, sizeof *ids);
    if (ids == NULL) {
        return ASYNC_ENOMEM;
    }
    n = async_writer_ids_(recorder, ids);
    writer->rows = (async_row_ *)ASYNC_SYS_(calloc)(n, sizeof *writer->rows);
    if (writer->rows == NULL) {
        free(ids);
        return ASYNC_ENOMEM;
    }
    writer->count = n;
    for (i = 0; i < n; i++) {
        writer->rows[i].id = ids[i];
    }
    free(ids);
    async_writer_look_(writer);
    return 0;
}

ASYNC_API int async_writer_close_(async_writer_ *writer)
{
    async_put_out_(writer);
    free(writer->rows);
    return writer->error;
}

/* ---- slices -------------------------------------------------------------- */

static void async_row_becomes_(async_writer_ *writer, async_row_ *row,
                               int state, uint64_t at)
{
    row->next = state;
    if (row->state != ASYNC_ROW_UNKNOWN_) {
        writer->slice(writer, row, at);
    }
    row->state = state;
    row->since = at;
    if (state == ASYNC_ROW_RUNS_) {
        row->ran = at;
    }
}

static void async_writer_event_(async_writer_ *writer,
                                const async_trace_event *event, uint64_t at)
{
    async_row_ *row = async_writer_row_(writer, event->id);

    switch (event->point) {
    case ASYNC_TRACE_RESUME:
        async_row_becomes_(writer, row, ASYNC_ROW_RUNS_, at);
        break;
    case ASYNC_TRACE_SUSPEND:
        async_row_becomes_(writer, row, event->value != 0 ? ASYNC_ROW_WAITS_
                                                          : ASYNC_ROW_READY_,
                           at);
        row->what = event->what;
        row->on = event->on;
        break;
    case ASYNC_TRACE_DONE:
        async_row_becomes_(writer, row, ASYNC_ROW_DONE_, at);
        break;
    default:                                    /* spawned, woken, struck */
        async_row_becomes_(writer, row, ASYNC_ROW_READY_, at);
        row->what = event->point == ASYNC_TRACE_SPAWN ? "spawn" : event->what;
        row->on = NULL;
        break;
    }
    writer->event(writer, event, row, at);
}

ASYNC_API void async_writer_tell_(async_writer_ *writer)
{
    const async_trace_event *event, *before = NULL;
    uint64_t at = 0;
    size_t i;

    for (i = 0; i < writer->count; i++) {
        writer->rows[i].state = ASYNC_ROW_UNKNOWN_;
    }
    for (i = 0; (event = async_recorder_event(writer->recorder, i)) != NULL
         && writer->error == 0; i++, before = event) {
        at += before == NULL ? 0 : async_between_(before, event);
        async_writer_event_(writer, event, at);
    }
    for (i = 0; i < writer->count; i++) {
        async_row_ *row = &writer->rows[i];

        if (row->state != ASYNC_ROW_DONE_) {
            async_row_becomes_(writer, row, ASYNC_ROW_DONE_, writer->end);
        }
    }
}

#endif
