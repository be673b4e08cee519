/* ===========================================================================
 * trace_chrome: a recording in the trace-event format, which Perfetto loads.
 * One object a line: metadata that names the tracks, then complete slices
 * (ph X), instants (i), and arrows (s to f).
 * ======================================================================== */
#include "config.h"
#if ASYNC_TRACE && ASYNC_HOSTED
#include "trace_write.h"

/* What each object begins with; its end is up to the caller. */
static void async_chrome_object_(async_writer_ *writer, const char *phase,
                                 uint32_t id)
{
    async_puts_(writer, ",\n{\"ph\":\"");
    async_puts_(writer, phase);
    async_puts_(writer, "\",\"pid\":1,\"tid\":");
    async_put_number_(writer, id);
}

static void async_chrome_at_(async_writer_ *writer, const char *key,
                             uint64_t at)
{
    async_puts_(writer, ",\"");
    async_puts_(writer, key);
    async_puts_(writer, "\":");
    async_put_decimal_(writer, at, 3);
}

static void async_chrome_text_(async_writer_ *writer, const char *key,
                               const char *text)
{
    async_puts_(writer, ",\"");
    async_puts_(writer, key);
    async_puts_(writer, "\":");
    async_put_json_(writer, text == NULL ? "" : text);
}

static void async_chrome_pointer_(async_writer_ *writer, const void *pointer)
{
    static const char hex[] = "0123456789abcdef";
    uintptr_t value = (uintptr_t)pointer;
    int shift = (int)(8 * sizeof value);

    async_puts_(writer, "\"0x");
    while (shift > 4 && value >> (shift - 4) == 0) {
        shift -= 4;
    }
    for (; shift > 0; shift -= 4) {
        async_put_(writer, &hex[value >> (shift - 4) & 15], 1);
    }
    async_puts_(writer, "\"");
}

static void async_chrome_tracks_(async_writer_ *writer)
{
    size_t i;

    for (i = 0; i < writer->count; i++) {
        const async_row_ *row = &writer->rows[i];

        async_chrome_object_(writer, "M", row->id);
        async_puts_(writer, ",\"name\":\"thread_name\",\"args\":{\"name\":");
        async_put_json_(writer, row->name);
        async_puts_(writer, "}}");
        async_chrome_object_(writer, "M", row->id);
        async_puts_(writer, ",\"name\":\"thread_sort_index\",\"args\":"
                            "{\"sort_index\":");
        async_put_number_(writer, row->id);
        async_puts_(writer, "}}");
    }
}

/* What is to be known of a slice beside its name. */
static void async_chrome_details_(async_writer_ *writer, const async_row_ *row)
{
    async_puts_(writer, ",\"args\":{");
    if (row->state == ASYNC_ROW_WAITS_ && row->on != NULL) {
        async_puts_(writer, "\"on\":");
        async_chrome_pointer_(writer, row->on);
    } else if (row->state == ASYNC_ROW_READY_) {
        async_puts_(writer, "\"by\":");
        async_put_json_(writer, row->what == NULL ? "" : row->what);
    } else if (row->state == ASYNC_ROW_RUNS_ && row->done
               && row->next == ASYNC_ROW_DONE_) {
        async_puts_(writer, "\"result\":");
        async_put_signed_(writer, row->result);
        if (row->result < 0) {
            async_chrome_text_(writer, "error", async_strerror(row->result));
        }
    }
    async_puts_(writer, "}}");
}

static void async_chrome_slice_(async_writer_ *writer, async_row_ *row,
                                uint64_t until)
{
    static const char *const kinds[] = {"", "ready", "run", "wait"};

    async_chrome_object_(writer, "X", row->id);
    async_chrome_at_(writer, "ts", row->since);
    async_chrome_at_(writer, "dur", until - row->since);
    async_chrome_text_(writer, "cat", kinds[row->state]);
    async_chrome_text_(writer, "name",
                       row->state == ASYNC_ROW_WAITS_ && row->what != NULL
                       ? row->what : kinds[row->state]);
    async_chrome_details_(writer, row);
}

static void async_chrome_arrow_(async_writer_ *writer, const char *phase,
                                uint32_t id, uint64_t at, uint32_t arrow)
{
    async_chrome_object_(writer, phase, id);
    async_chrome_at_(writer, "ts", at);
    async_puts_(writer, ",\"cat\":\"wake\",\"name\":\"wake\",\"id\":");
    async_put_number_(writer, arrow);
    async_puts_(writer, *phase == 'f' ? ",\"bp\":\"e\"}" : "}");
}

/* An arrow starts inside of a slice. What a task wakes after it is done, it
 * wakes in its last moment. */
static void async_chrome_from_(async_writer_ *writer, async_row_ *row,
                               uint32_t by, uint64_t at)
{
    const async_row_ *from = by == 0 ? NULL : async_writer_row_(writer, by);

    row->arrow = 0;
    if (from == NULL) {
        return;
    }
    if (from->state == ASYNC_ROW_DONE_) {
        at = from->last > from->ran ? from->last - 1 : from->last;
    }
    row->arrow = ++writer->arrows;
    async_chrome_arrow_(writer, "s", by, at, row->arrow);
}

static void async_chrome_event_(async_writer_ *writer,
                                const async_trace_event *event,
                                async_row_ *row, uint64_t at)
{
    switch (event->point) {
    case ASYNC_TRACE_RESUME:
        if (row->arrow != 0) {
            async_chrome_arrow_(writer, "f", row->id, at, row->arrow);
            row->arrow = 0;
        }
        break;
    case ASYNC_TRACE_SPAWN:
    case ASYNC_TRACE_STRIKE:
        async_chrome_object_(writer, "i", row->id);
        async_chrome_at_(writer, "ts", at);
        async_puts_(writer, ",\"s\":\"t\",\"name\":\"");
        async_puts_(writer, event->point == ASYNC_TRACE_SPAWN
                            ? "spawn\",\"args\":{\"at\":"
                            : "strike\",\"args\":{\"by\":");
        async_put_json_(writer, event->what == NULL ? "" : event->what);
        if (event->point == ASYNC_TRACE_SPAWN) {
            async_puts_(writer, ",\"line\":");
            async_put_signed_(writer, event->value);
        }
        async_puts_(writer, "}}");
        async_chrome_from_(writer, row, event->by, at);
        break;
    case ASYNC_TRACE_WAKE:
        async_chrome_from_(writer, row, event->by, at);
        break;
    default:
        break;
    }
}

ASYNC_API int async_trace_chrome(const async_recorder *recorder,
                                 async_trace_out out, void *to)
{
    async_writer_ writer;
    int rc = async_writer_open_(&writer, recorder, out, to);

    if (rc < 0) {
        return rc;
    }
    writer.event = async_chrome_event_;
    writer.slice = async_chrome_slice_;
    writer.arrows = 0;
    async_puts_(&writer, "{\"displayTimeUnit\":\"ms\",\"otherData\":"
                         "{\"lost\":");
    async_put_number_(&writer, recorder->lost);
    async_puts_(&writer, "},\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":1,"
                         "\"name\":\"process_name\",\"args\":"
                         "{\"name\":\"async.h\"}}");
    async_chrome_tracks_(&writer);
    async_writer_tell_(&writer);
    async_puts_(&writer, "\n]}\n");
    return async_writer_close_(&writer);
}

#endif
