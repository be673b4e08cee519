/* ===========================================================================
 * trace_svg: a recording as a picture: a row for each task, time from left to
 * right, in tenths of a pixel.
 * ======================================================================== */
#include "config.h"
#if ASYNC_TRACE && ASYNC_HOSTED
#include "trace_write.h"

#include <string.h>

/* Pixels. A step of a task is as wide as a mark at least, to be seen. */
static const double async_svg_width_ = 1000, async_svg_right_ = 24;
static const double async_svg_row_ = 26, async_svg_bar_ = 16;
static const double async_svg_mark_ = 2;
static const size_t async_svg_rows_ = 500;
static const size_t async_svg_longest_ = 24;    /* characters of a name */

/* The writer comes first. What was drawn is explained below the picture. */
typedef struct async_svg_ {
    async_writer_ writer;
    double left, scale;     /* where time begins, and pixels in a nanosecond */
    double top;             /* of the first row */
    uint64_t span;
    bool steps;             /* are drawn now, above all else */
    bool ready, thread, error;
} async_svg_;

/* ---- shapes -------------------------------------------------------------- */

static void async_svg_number_(async_writer_ *to, const char *key, double value)
{
    async_puts_(to, key);
    async_put_decimal_(to, (uint64_t)(value * 10 + 0.5), 1);
    async_puts_(to, "\"");
}

static void async_svg_rect_(async_writer_ *to, const char *kind, double x,
                            double y, double width, double height)
{
    async_puts_(to, "<rect class=\"");
    async_puts_(to, kind);
    async_svg_number_(to, "\" x=\"", x);
    async_svg_number_(to, " y=\"", y);
    async_svg_number_(to, " width=\"", width);
    async_svg_number_(to, " height=\"", height);
}

static void async_svg_text_(async_writer_ *to, const char *kind, double x,
                            double y, const char *anchor)
{
    async_puts_(to, "<text class=\"");
    async_puts_(to, kind);
    async_svg_number_(to, "\" x=\"", x);
    async_svg_number_(to, " y=\"", y);
    if (anchor != NULL) {
        async_puts_(to, " text-anchor=\"");
        async_puts_(to, anchor);
        async_puts_(to, "\"");
    }
    async_puts_(to, ">");
}

/* How wide a text is, about, in small letters. */
static double async_svg_wide_(const char *text)
{
    size_t length = async_text_length_(text);

    return 6.5 * (double)length;
}

/* ---- time ---------------------------------------------------------------- */

static double async_svg_x_(const async_svg_ *svg, uint64_t at)
{
    return svg->left + (double)at * svg->scale;
}

/* 1, 2, 5, 10 ... nanoseconds, so that there are ten steps at most. */
static uint64_t async_svg_step_(uint64_t span)
{
    static const uint64_t factors[] = {1, 2, 5};
    uint64_t one;

    for (one = 1;; one *= 10) {
        int i;

        for (i = 0; i < 3; i++) {
            if (span / 10 < one * factors[i]
                || (span / 10 == one * factors[i] && span % 10 == 0)) {
                return one * factors[i];
            }
        }
    }
}

/* A time in the unit of such steps: "2 s", "0.5 s", "20 ms". */
static void async_svg_time_(async_writer_ *to, uint64_t at, uint64_t step)
{
    static const char *const names[] = {" s", " ms", " &#181;s", " ns"};
    uint64_t unit = 1000000000;
    int i = 0;

    while (step * 10 < unit) {
        unit /= 1000;
        i++;
    }
    if (step < unit) {
        async_put_decimal_(to, at / (unit / 10), 1);
    } else {
        async_put_number_(to, at / unit);
    }
    async_puts_(to, names[i]);
}

static void async_svg_axis_(async_svg_ *svg, double bottom)
{
    async_writer_ *to = &svg->writer;
    uint64_t step = async_svg_step_(svg->span);
    uint64_t at;

    for (at = 0; at <= svg->span; at += step) {
        double x = async_svg_x_(svg, at);

        async_svg_rect_(to, "grid", x, svg->top, 1, bottom + 4 - svg->top);
        async_puts_(to, "/>\n");
        async_svg_text_(to, "ink", x, bottom + 20, "middle");
        async_svg_time_(to, at, step);
        async_puts_(to, "</text>\n");
    }
}

/* ---- rows ---------------------------------------------------------------- */

static double async_svg_y_(const async_svg_ *svg, const async_row_ *row)
{
    return svg->top + (double)(row - svg->writer.rows) * async_svg_row_;
}

static bool async_svg_shown_(const async_svg_ *svg, const async_row_ *row)
{
    return (size_t)(row - svg->writer.rows) < async_svg_rows_;
}

/* The name, and a bar from the first event to the last, on which the slices
 * are drawn; behind it an error. */
static void async_svg_task_(async_svg_ *svg, const async_row_ *row)
{
    async_writer_ *to = &svg->writer;
    double y = async_svg_y_(svg, row);
    double from = async_svg_x_(svg, row->first);
    double until = async_svg_x_(svg, row->last);

    async_svg_text_(to, "ink", svg->left - 10, y + 17, "end");
    async_put_xml_(to, row->name, async_svg_longest_);
    async_puts_(to, "</text>\n");
    async_svg_rect_(to, "wait", from, y + 5, until - from, async_svg_bar_);
    async_puts_(to, "/>\n");
}

static void async_svg_end_(async_svg_ *svg, const async_row_ *row)
{
    async_writer_ *to = &svg->writer;
    double y = async_svg_y_(svg, row);
    double x = async_svg_x_(svg, row->last) + async_svg_mark_;
    const char *text = async_strerror(row->result);

    svg->error = true;
    async_svg_rect_(to, "error", x, y + 2, 4, async_svg_bar_ + 6);
    async_puts_(to, "><title>");
    async_put_xml_(to, text, 200);
    async_puts_(to, "</title></rect>\n");
    if (x + 16 + async_svg_wide_(text) < async_svg_width_) {
        async_svg_text_(to, "small ink", x + 8, y + 17, NULL);
        async_put_xml_(to, text, 200);
        async_puts_(to, "</text>\n");
    }
}

/* "async_offload" is about a thread, and so are files and names. */
static bool async_svg_in_thread_(const char *what)
{
    return strcmp(what, "async_offload") == 0
        || strcmp(what, "async_resolve") == 0
        || strncmp(what, "async_file_", 11) == 0;
}

static void async_svg_wait_(async_svg_ *svg, async_row_ *row, double x,
                            double width)
{
    async_writer_ *to = &svg->writer;
    const char *what = row->what == NULL ? "" : row->what;
    const char *kind = "wait";
    double y = async_svg_y_(svg, row);

    if (async_svg_in_thread_(what)) {
        svg->thread = true;
        kind = "thread";
    } else if (width < 1) {
        return;                         /* the row's own bar shows it */
    }
    if (strncmp(what, "async_", 6) == 0) {
        what += 6;
    }
    async_svg_rect_(to, kind, x, y + 5, width, async_svg_bar_);
    async_puts_(to, "><title>");
    async_put_xml_(to, what, 200);
    async_puts_(to, "</title></rect>\n");
    if (width > 10 + async_svg_wide_(what)) {
        async_svg_text_(to, "small in", x + width / 2, y + 17, "middle");
        async_put_xml_(to, what, 200);
        async_puts_(to, "</text>\n");
    }
}

/* A step is often shorter than a pixel, and then wider than it should be: a
 * further one that would be hidden by it is left out. */
static void async_svg_step_or_ready_(async_svg_ *svg, async_row_ *row,
                                     double x, double until)
{
    bool runs = row->state == ASYNC_ROW_RUNS_;
    double *drawn = &row->drawn[runs];
    double y = async_svg_y_(svg, row);

    if (until - x < (runs ? async_svg_mark_ : 0.5)) {
        if (!runs) {
            return;
        }
        until = x + async_svg_mark_;
    }
    if (until < *drawn + 0.5) {
        return;
    }
    if (runs) {
        async_svg_rect_(&svg->writer, "run", x, y + 3, until - x,
                        async_svg_bar_ + 4);
    } else {
        svg->ready = true;
        async_svg_rect_(&svg->writer, "ready", x, y + 5, until - x,
                        async_svg_bar_);
    }
    async_puts_(&svg->writer, "/>\n");
    *drawn = until;
}

static void async_svg_slice_(async_writer_ *writer, async_row_ *row,
                             uint64_t until)
{
    async_svg_ *svg = (async_svg_ *)(void *)writer;
    double from = async_svg_x_(svg, row->since);
    double to = async_svg_x_(svg, until);

    if (!async_svg_shown_(svg, row)
        || svg->steps != (row->state == ASYNC_ROW_RUNS_)) {
        return;
    }
    if (row->state == ASYNC_ROW_WAITS_) {
        async_svg_wait_(svg, row, from, to - from);
    } else {
        async_svg_step_or_ready_(svg, row, from, to);
    }
}

static void async_svg_event_(async_writer_ *writer,
                             const async_trace_event *event, async_row_ *row,
                             uint64_t at)
{
    async_svg_ *svg = (async_svg_ *)(void *)writer;

    (void)at;
    if (event->point == ASYNC_TRACE_DONE && event->value < 0 && svg->steps
        && async_svg_shown_(svg, row)) {
        async_svg_end_(svg, row);
    }
}

/* ---- the picture --------------------------------------------------------- */

static const char async_svg_style_[] =
    "<style>\n"
    ".page{fill:#fff}.ink{fill:#1f2328}.grid{fill:#d8dee4}\n"
    ".wait{fill:#cfe3fb;stroke:#fff}.in{fill:#0a3069}\n"
    ".thread{fill:#a6e5b5;stroke:#fff}.ready{fill:#d4a72c}.run{fill:#0550ae}\n"
    ".error{fill:#cf222e}.small{font-size:11px}.head{font-size:16px;"
    "font-weight:bold}\n"
    "@media(prefers-color-scheme:dark){\n"
    ".page{fill:#0d1117}.ink{fill:#e6edf3}.grid{fill:#30363d}\n"
    ".wait{fill:#1c3a5e;stroke:#0d1117}.in{fill:#cae8ff}\n"
    ".thread{fill:#1f6f37;stroke:#0d1117}.ready{fill:#e3b341}"
    ".run{fill:#79c0ff}\n"
    ".error{fill:#ff7b72}\n"
    "}\n</style>\n";

static double async_svg_key_(async_writer_ *to, const char *kind,
                             const char *text, double x, double y)
{
    async_svg_rect_(to, kind, x, y - 10, 12, 12);
    async_puts_(to, "/>\n");
    async_svg_text_(to, "small ink", x + 17, y, NULL);
    async_puts_(to, text);
    async_puts_(to, "</text>\n");
    return x + 35 + async_svg_wide_(text);
}

static void async_svg_legend_(async_svg_ *svg, double y)
{
    async_writer_ *to = &svg->writer;
    double x = svg->left;

    x = async_svg_key_(to, "run", "runs", x, y);
    if (svg->ready) {
        x = async_svg_key_(to, "ready", "is ready", x, y);
    }
    x = async_svg_key_(to, "wait", "waits", x, y);
    if (svg->thread) {
        x = async_svg_key_(to, "thread", "a thread works for it", x, y);
    }
    if (svg->error) {
        (void)async_svg_key_(to, "error", "ends in an error", x, y);
    }
}

static void async_svg_begin_(async_svg_ *svg, const char *title,
                             double height)
{
    async_writer_ *to = &svg->writer;
    double y = 24;

    async_puts_(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                    "width=\"1000\" viewBox=\"0 0 1000 ");
    async_put_number_(to, (uint64_t)height);
    async_puts_(to, "\" font-family=\"sans-serif\" font-size=\"13\">\n");
    if (title != NULL) {
        async_puts_(to, "<title>");
        async_put_xml_(to, title, 400);
        async_puts_(to, "</title>\n");
    }
    async_puts_(to, async_svg_style_);
    async_svg_rect_(to, "page", 0, 0, async_svg_width_, height);
    async_puts_(to, "/>\n");
    if (title != NULL) {
        async_svg_text_(to, "head ink", 16, y, NULL);
        async_put_xml_(to, title, 110);
        async_puts_(to, "</text>\n");
        y += 20;
    }
    if (to->recorder->lost != 0) {
        async_svg_text_(to, "small ink", 16, y, NULL);
        async_puts_(to, "Events before these that are lost: ");
        async_put_number_(to, to->recorder->lost);
        async_puts_(to, "</text>\n");
    }
}

static double async_svg_names_(const async_writer_ *writer)
{
    size_t i, longest = 4;

    for (i = 0; i < writer->count && i < async_svg_rows_; i++) {
        size_t length = async_text_length_(writer->rows[i].name);

        longest = length > longest ? length : longest;
    }
    longest = longest < async_svg_longest_ ? longest : async_svg_longest_;
    return 7.5 * (double)longest + 26;
}

static void async_svg_draw_(async_svg_ *svg, const char *title)
{
    async_writer_ *to = &svg->writer;
    size_t rows = to->count < async_svg_rows_ ? to->count : async_svg_rows_;
    double bottom, height;
    size_t i;

    svg->left = async_svg_names_(to);
    svg->scale = (async_svg_width_ - async_svg_right_ - svg->left)
        / (double)svg->span;
    svg->top = 8 + (title != NULL ? 28 : 0) + (to->recorder->lost ? 20 : 0);
    bottom = svg->top + (double)rows * async_svg_row_;
    height = bottom + 60 + (to->count > rows ? 20 : 0);
    async_svg_begin_(svg, title, height);
    async_svg_axis_(svg, bottom);
    for (i = 0; i < rows; i++) {
        async_svg_task_(svg, &to->rows[i]);
    }
    svg->steps = false;
    async_writer_tell_(to);
    svg->steps = true;
    async_writer_tell_(to);
    async_svg_legend_(svg, bottom + 46);
    if (to->count > rows) {
        async_svg_text_(to, "small ink", svg->left, bottom + 66, NULL);
        async_puts_(to, "and tasks that are not shown: ");
        async_put_number_(to, to->count - rows);
        async_puts_(to, "</text>\n");
    }
    async_puts_(to, "</svg>\n");
}

ASYNC_API int async_trace_svg(const async_recorder *recorder,
                              const char *title, async_duration span,
                              async_trace_out out, void *to)
{
    async_svg_ svg;
    uint64_t least = span <= 0 ? 1 : async_nanoseconds_((async_ticks)span);
    int rc = async_writer_open_(&svg.writer, recorder, out, to);

    if (rc < 0) {
        return rc;
    }
    svg.writer.event = async_svg_event_;
    svg.writer.slice = async_svg_slice_;
    svg.span = svg.writer.end > least ? svg.writer.end : least;
    svg.ready = svg.thread = svg.error = false;
    async_svg_draw_(&svg, title);
    return async_writer_close_(&svg.writer);
}

#endif
