/* record: the files that are made of a recording: JSON for Perfetto, SVG. The
 * clock is a virtual one, so they are compared to the letter. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if ASYNC_HOSTED
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
#endif

#define MS(n) ((async_duration)ASYNC_MS(n))

#if ASYNC_TRACE && ASYNC_HOSTED

enum { EVENTS = 6000, TEXT = 1 << 20 };

static async_trace_event events[EVENTS];
static async_recorder recorder;

/* ---- a text in memory, that may refuse ----------------------------------- */

static char text[TEXT];
static size_t length;
static int outs, refuse;            /* calls; which one fails, 0: none */

static int to_text(void *to, const char *piece, size_t n)
{
    CHECK(to == text);
    CHECK(n > 0 && n <= 512);
    if (++outs == refuse) {
        return ASYNC_ENOSPC;
    }
    CHECK(length + n < TEXT);
    memcpy(text + length, piece, n);
    length += n;
    text[length] = '\0';
    return 0;
}

static void clear_text(void)
{
    length = 0;
    text[0] = '\0';
    outs = 0;
    refuse = 0;
}

static void chrome(void)
{
    clear_text();
    CHECK_EQ(async_trace_chrome(&recorder, to_text, text), 0);
}

static void svg(const char *title, async_duration span)
{
    clear_text();
    CHECK_EQ(async_trace_svg(&recorder, title, span, to_text, text), 0);
}

static int count(const char *what)
{
    const char *at = text;
    int n = 0;

    while ((at = strstr(at, what)) != NULL) {
        at++;
        n++;
    }
    return n;
}

static void has(int line, const char *what, bool yes)
{
    if ((strstr(text, what) != NULL) != yes) {
        test_fail(yes ? "there is no" : "there is", line, what);
    }
}
#define HAS(what) has(__LINE__, what, true)
#define HAS_NOT(what) has(__LINE__, what, false)

/* Numbers of tasks go on from test to test; in the text they begin at 1. */
static void renumber(void)
{
    static const char *const keys[] = {"\"tid\":", "\"sort_index\":"};
    unsigned long first = recorder.events[0].id;
    size_t from = 0, to = 0;

    while (from < length) {
        int i, n = 0;

        for (i = 0; i < 2 && n == 0; i++) {
            size_t key = strlen(keys[i]);

            if (strncmp(text + from, keys[i], key) == 0) {
                char *end, number[40];
                unsigned long id = strtoul(text + from + key, &end, 10);

                n = sprintf(number, "%s%lu", keys[i], id - first + 1);
                from = (size_t)(end - text);
                memcpy(text + to, number, (size_t)n);
                to += (size_t)n;
            }
        }
        if (n == 0) {
            text[to++] = text[from++];
        }
    }
    text[to] = '\0';
    length = to;
}

/* ---- is it JSON? --------------------------------------------------------- */

static const char *json_value(const char *at);

static const char *json_space(const char *at)
{
    while (*at == ' ' || *at == '\n') {
        at++;
    }
    return at;
}

static const char *json_string(const char *at)
{
    if (*at++ != '"') {
        return "";
    }
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20) {
            return "";
        }
        if (*at == '\\') {
            at++;
            if (*at == 'u' && strspn(at + 1, "0123456789abcdef") < 4) {
                return "";
            }
            if (strchr("\"\\u", *at) == NULL) {
                return "";
            }
        }
    }
    return at + 1;
}

/* An object or an array: what comes after it, or the end. */
static const char *json_several(const char *at, char close)
{
    at = json_space(at + 1);
    while (*at != close) {
        if (close == '}') {
            at = json_space(json_string(at));
            if (*at++ != ':') {
                return "";
            }
        }
        at = json_space(json_value(json_space(at)));
        if (*at == ',') {
            at = json_space(at + 1);
            if (*at == close) {
                return "";
            }
        } else if (*at != close) {
            return "";
        }
    }
    return at + 1;
}

static const char *json_value(const char *at)
{
    if (*at == '{') {
        return json_several(at, '}');
    }
    if (*at == '[') {
        return json_several(at, ']');
    }
    if (*at == '"') {
        return json_string(at);
    }
    at += *at == '-';
    return strspn(at, "0123456789") == 0 ? ""
        : at + strspn(at, "0123456789.");
}

static void check_json(void)
{
    const char *end = json_value(text);

    CHECK(end == text + length - 1 && *end == '\n');
}

/* ---- is it XML? ---------------------------------------------------------- */

/* Every element is closed, in order, and every entity. */
static void check_xml(void)
{
    char open[32][24];
    int depth = 0;
    const char *at;

    for (at = text; *at != '\0'; at++) {
        if (*at == '&') {
            size_t n = strcspn(at, ";<");

            CHECK(n < 8 && at[n] == ';');
        }
        CHECK((unsigned char)*at >= 0x20 || *at == '\n');
        if (*at == '<') {
            char name[24];
            const char *end = strchr(at, '>');
            size_t n = strcspn(at + 1, " >/");

            CHECK(end != NULL && memchr(at + 1, '<', (size_t)(end - at) - 1)
                                 == NULL);
            if (end == NULL || depth >= 30) {
                return;
            }
            if (at[1] == '/') {
                size_t m = (size_t)(end - at) - 2;

                depth--;
                CHECK(depth >= 0 && strlen(open[depth]) == m
                      && strncmp(open[depth], at + 2, m) == 0);
            } else if (end[-1] != '/') {
                CHECK(n < sizeof name);
                memcpy(name, at + 1, n);
                name[n] = '\0';
                strcpy(open[depth++], name);
            }
            at = end;
        }
    }
    CHECK_EQ(depth, 0);
}

/* ---- programs ------------------------------------------------------------ */

struct nap {
    async_frame frame;
    async_task task;
    int us, rc;
    async_future *future;
};

struct program {
    async_frame frame;
    struct nap a, b, many[700];
    async_future future;
    int i, rc;
};

static struct program *fresh(void)
{
    static struct program program;

    memset(&program, 0, sizeof program);
    return &program;
}

static ASYNC nap(struct nap *self)
{
    ASYNC_BEGIN(self);
    if (self->future != NULL) {
        AWAIT(async_future_wait(self->future));
    }
    AWAIT(async_sleep((async_duration)ASYNC_US(self->us)));
    test_busy(MS(2));
    AWAIT(async_yield());
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

static ASYNC naps(struct program *self)
{
    ASYNC_BEGIN(self);
    self->a.us = 5000;
    self->b.us = 100000;
    async_spawn(&self->a.task, nap, &self->a);
    async_spawn(&self->b.task, nap, &self->b);
    async_set_name(&self->a.task, "a");
    AWAIT(async_join(&self->a.task));
    async_cancel(&self->b.task);
    AWAIT_RESULT(self->rc, async_join(&self->b.task));
    ASYNC_END;
}

static void record(size_t room)
{
    CHECK_EQ(async_recorder_open(&recorder, events, room), 0);
    (void)async_trace_to(NULL, &recorder.tracer);
}

static void play(void)
{
    record(EVENTS);
    CHECK_EQ(async_run(naps, fresh()), 0);
    (void)async_trace_to(NULL, NULL);
}

/* Pointers differ from run to run, and so do lines and folders; and it is
 * easier to read here with other quotes. */
static void mask(const char *key, char until)
{
    char *at = text;

    while ((at = strstr(at, key)) != NULL) {
        char *end;

        at += strlen(key);
        end = strchr(at, until);
        memmove(at, end, strlen(end) + 1);
    }
    length = strlen(text);
}

static void requote(void)
{
    char *at;

    for (at = text; *at != '\0'; at++) {
        *at = (char)(*at == '"' ? '\'' : *at);
    }
}

#endif

/* ---- JSON ---------------------------------------------------------------- */

TEST(chrome_to_the_letter)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    play();
    chrome();
    check_json();
    renumber();
    mask("\"on\":\"0x", '"');
    mask("\"line\":", '}');
    mask("{\"at\":\"", '"');
    mask("\"result\":-", ',');
    requote();
    CHECK(strncmp(text,
"{'displayTimeUnit':'ms','otherData':{'lost':0},'traceEvents':[\n"
"{'ph':'M','pid':1,'name':'process_name','args':{'name':'async.h'}},\n"
"{'ph':'M','pid':1,'tid':1,'name':'thread_name','args':{'name':'naps'}},\n"
"{'ph':'M','pid':1,'tid':1,'name':'thread_sort_index',"
"'args':{'sort_index':1}},\n"
"{'ph':'M','pid':1,'tid':2,'name':'thread_name','args':{'name':'a'}},\n",
                  330) == 0);
    /* a's spawn, and the arrow to its first step */
    HAS("\n{'ph':'i','pid':1,'tid':2,'ts':0.000,'s':'t','name':'spawn',"
        "'args':{'at':'','line':}},\n"
        "{'ph':'s','pid':1,'tid':1,'ts':0.000,'cat':'wake','name':'wake',"
        "'id':1},\n");
    HAS("\n{'ph':'X','pid':1,'tid':2,'ts':0.000,'dur':0.000,'cat':'ready',"
        "'name':'ready','args':{'by':'spawn'}},\n"
        "{'ph':'f','pid':1,'tid':2,'ts':0.000,'cat':'wake','name':'wake',"
        "'id':1,'bp':'e'},\n");
    /* It sleeps for 5 ms, runs for 2, yields. */
    HAS("\n{'ph':'X','pid':1,'tid':2,'ts':0.000,'dur':5000.000,'cat':'wait',"
        "'name':'async_sleep','args':{}},\n"
        "{'ph':'X','pid':1,'tid':2,'ts':5000.000,'dur':0.000,'cat':'ready',"
        "'name':'ready','args':{'by':'timer'}},\n"
        "{'ph':'X','pid':1,'tid':2,'ts':5000.000,'dur':2000.000,'cat':'run',"
        "'name':'run','args':{}},\n"
        "{'ph':'X','pid':1,'tid':2,'ts':7000.000,'dur':0.000,'cat':'ready',"
        "'name':'ready','args':{'by':'yield'}},\n"
        "{'ph':'X','pid':1,'tid':2,'ts':7000.000,'dur':0.000,'cat':'run',"
        "'name':'run','args':{'result':0}},\n"
        "{'ph':'X','pid':1,'tid':1,'ts':0.000,'dur':7000.000,'cat':'wait',"
        "'name':'async_join','args':{'on':'0x'}},\n"
        "{'ph':'s','pid':1,'tid':2,'ts':7000.000,'cat':'wake','name':'wake',"
        "'id':3},\n");
    HAS("\n{'ph':'f','pid':1,'tid':1,'ts':7000.000,'cat':'wake',"
        "'name':'wake','id':3,'bp':'e'},\n");
    /* The other one is struck. */
    HAS("\n{'ph':'i','pid':1,'tid':3,'ts':7000.000,'s':'t','name':'strike',"
        "'args':{'by':'task'}},\n"
        "{'ph':'s','pid':1,'tid':1,'ts':7000.000,'cat':'wake','name':'wake',"
        "'id':4},\n");
    HAS("'name':'run','args':{'result':-,'error':'cancelled'}},\n");
    HAS("'name':'run','args':{'result':0}}\n]}\n");
    CHECK_EQ(count("'ph':'s'"), count("'ph':'f'"));
    CHECK_EQ(count("'ph':'X'"), 20);
#endif
}

#if ASYNC_TRACE && ASYNC_HOSTED
/* An arrow from a task that is done begins in its last step. */
static ASYNC works(struct nap *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    test_busy(MS(3));
    ASYNC_END;
}

static ASYNC awaits_work(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->a.task, works, &self->a);
    AWAIT(async_join(&self->a.task));
    ASYNC_END;
}
#endif

TEST(chrome_arrow_from_a_last_step)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    record(EVENTS);
    CHECK_EQ(async_run(awaits_work, fresh()), 0);
    (void)async_trace_to(NULL, NULL);
    chrome();
    check_json();
    HAS("\"ts\":0.000,\"dur\":3000.000,\"cat\":\"run\"");
    HAS("\"ts\":2999.999,\"cat\":\"wake\"");
#endif
}

/* The beginning is lost, and some have not ended. */
TEST(chrome_of_a_part)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    size_t room;

    for (room = 1; room < 22; room++) {
        record(room);
        CHECK_EQ(async_run(naps, fresh()), 0);
        (void)async_trace_to(NULL, NULL);
        chrome();
        check_json();
        HAS_NOT("\"lost\":0}");
        CHECK_EQ(count("\"ts\":-"), 0);
        svg(NULL, 0);
        check_xml();
        HAS("Events before these that are lost: ");
    }
    record(EVENTS);
    {
        static struct program program;
        async_loop loop;

        memset(&program, 0, sizeof program);
        program.a.future = &program.future;
        CHECK_EQ(async_loop_open(&loop), 0);
        CHECK_EQ(async_spawn(&program.a.task, nap, &program.a), 0);
        (void)async_loop_step(&loop);
        test_busy(MS(9));
        CHECK_EQ(async_spawn(&program.b.task, nap, &program.b), 0);
        (void)async_trace_to(NULL, NULL);
        chrome();
        HAS("\"dur\":9000.000,\"cat\":\"wait\",\"name\":"
            "\"async_future_wait\"");
        svg(NULL, 0);
        HAS("<title>future_wait</title>");
        CHECK_EQ(async_loop_cancel_all(&loop), 0);
        CHECK_EQ(async_loop_close(&loop), 0);
    }
#endif
}

TEST(chrome_has_fractions)
{
#if ASYNC_TRACE && ASYNC_HOSTED && ASYNC_TICK_HZ == 1000000000
    static struct program program;
    async_loop loop;

    memset(&program, 0, sizeof program);
    record(EVENTS);
    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_spawn(&program.a.task, works, &program.a), 0);
    test_busy(1234567);
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
    (void)async_trace_to(NULL, NULL);
    chrome();
    HAS("\"dur\":1234.567,");
#endif
}

/* A clock that goes back stands still. */
TEST(record_of_a_clock_that_goes_back)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    static struct program program;
    async_loop loop;

    memset(&program, 0, sizeof program);
    record(EVENTS);
    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_spawn(&program.a.task, works, &program.a), 0);
    test_busy(MS(5));
    CHECK_EQ(async_spawn(&program.b.task, works, &program.b), 0);
    test_busy((async_duration)(0 - MS(4)));
    CHECK_EQ(async_loop_cancel_all(&loop), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
    (void)async_trace_to(NULL, NULL);
    svg(NULL, 0);
    HAS(">5.0 ms</text>");
    CHECK_EQ(count("class=\"grid\""), 11);
#endif
}

/* ---- names --------------------------------------------------------------- */

#if ASYNC_TRACE && ASYNC_HOSTED
static ASYNC named(struct program *self)
{
    ASYNC_BEGIN(self);
    self->a.us = 1000;
    async_spawn(&self->a.task, nap, &self->a);
    async_set_name(&self->a.task, "<\"a\\b\"\x01 & 'c'\t\xc3\xa4 \xff\xc3"
                                  "x \xed\xa0\x80 \xf4\x90\x80\x80 "
                                  "\xe2\x82\xac \xc0\xaf "
                                  "\xe0\x80\xaf \xef\xbf\xbf>");
    self->b.us = 1000;
    async_spawn(&self->b.task, nap, &self->b);
    async_set_name(&self->b.task, "a_name_that_is_longer_than_24");
    AWAIT(async_join(&self->a.task));
    AWAIT(async_join(&self->b.task));
    ASYNC_END;
}
#endif

TEST(record_escapes_names)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    record(EVENTS);
    CHECK_EQ(async_run(named, fresh()), 0);
    (void)async_trace_to(NULL, NULL);
    chrome();
    check_json();
    HAS("{\"name\":\"<\\\"a\\\\b\\\"\\u0001 & 'c'\\u0009\xc3\xa4 ??x ??? "
        "???? \xe2\x82\xac ?? ??? ??\?>\"}");
    HAS("{\"name\":\"a_name_that_is_longer_than_24\"}");
    svg("a < b & \"c\"", 0);
    check_xml();
    HAS(">&lt;&quot;a\\b&quot;? &amp; &#39;c&#39;?\xc3\xa4 ??x ???"
        "&#8230;</text>");
    HAS(">a_name_that_is_longer_t&#8230;</text>");
    HAS("<title>a &lt; b &amp; &quot;c&quot;</title>");
#endif
}

/* A coroutine of the library is called what it was written as. */
TEST(record_leaves_out_options)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    static async_irq irq;
    async_loop loop;
    async_task task;

    memset(&task, 0, sizeof task);
    memset(&irq, 0, sizeof irq);
    record(EVENTS);
    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_irq_open(&irq), 0);
    CHECK_EQ(async_spawn(&task, async_irq_wait, &irq), 0);
    async_irq_raise(&irq);
    CHECK_EQ(async_loop_run(&loop, &task), 1);
    CHECK_EQ(async_irq_close(&irq), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
    (void)async_trace_to(NULL, NULL);
    chrome();
    HAS("{\"name\":\"async_irq_wait\"}");
    svg(NULL, 0);
    HAS(">async_irq_wait</text>");
#endif
}

/* ---- SVG ----------------------------------------------------------------- */

TEST(svg_has_rows_bars_marks_and_an_axis)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    play();
    svg("Naps", 0);
    check_xml();
    requote();
    HAS("<svg xmlns='http://www.w3.org/2000/svg' width='1000' "
        "viewBox='0 0 1000 174'");
    HAS("@media(prefers-color-scheme:dark)");
    HAS_NOT("href");
    HAS("<text class='head ink' x='16.0' y='24.0'>Naps</text>\n");
    HAS("<text class='ink' x='56.0' y='134.0' text-anchor='middle'>0 ms"
        "</text>\n");
    HAS("<text class='ink' x='976.0' y='134.0' text-anchor='middle'>7 ms"
        "</text>\n");
    HAS("<text class='ink' x='46.0' y='79.0' text-anchor='end'>a</text>\n"
        "<rect class='wait' x='56.0' y='67.0' width='920.0' height='16.0'/>\n");
    HAS("<rect class='wait' x='56.0' y='67.0' width='657.1' height='16.0'>"
        "<title>sleep</title></rect>\n"
        "<text class='small in' x='384.6' y='79.0' text-anchor='middle'>sleep"
        "</text>\n");
    /* a mark for a step that takes no time, a bar for one of 2 ms */
    HAS("<rect class='run' x='56.0' y='65.0' width='2.0' height='20.0'/>\n");
    HAS("<rect class='run' x='713.1' y='65.0' width='262.9' height='20.0'/>\n");
    HAS("<rect class='error' x='978.0' y='90.0' width='4.0' height='22.0'>"
        "<title>cancelled</title></rect>\n");
    HAS(">runs</text>\n");
    HAS(">waits</text>\n");
    HAS(">ends in an error</text>\n");
    HAS_NOT("is ready");
    HAS_NOT("a thread works");
    HAS_NOT("not shown");
    HAS_NOT("lost");
    svg(NULL, MS(70));                  /* a tenth as wide */
    HAS_NOT("head ink\"");
    HAS(">70 ms</text>");
    HAS("width=\"65.7\" height=\"16.0\"><title>sleep</title>");
    HAS(">sleep</text>");
    svg(NULL, MS(700));                 /* no room for a text */
    HAS("<title>sleep</title>");
    HAS_NOT(">sleep</text>");
    svg(NULL, MS(1));                   /* it is longer than that */
    HAS(">7 ms</text>");
#endif
}

/* Where a step was shorter than its mark, the mark lies on the bars beside. */
TEST(svg_draws_steps_above_waits)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    const char *last = text, *at;

    play();
    svg(NULL, 0);
    while ((at = strstr(last + 1, "<title>")) != NULL) {
        last = at;                      /* of a wait, and then of an error */
    }
    CHECK(strstr(last, "class=\"run\"") != NULL);
    CHECK(strstr(strstr(text, "class=\"run\""), "<title>sleep") == NULL);
    CHECK(strstr(strstr(text, "class=\"run\""), "<title>join") == NULL);
#endif
}

TEST(svg_units)
{
#if ASYNC_TRACE && ASYNC_HOSTED && ASYNC_TICK_HZ == 1000000000
    static const struct { async_duration span; const char *label; } spans[] = {
        {1, ">1 ns<"}, {999, ">0.9 &#181;s<"}, {1000, ">1.0 &#181;s<"},
        {1500, ">1.4 &#181;s<"}, {250000, ">250 &#181;s<"},
        {2000000, ">2.0 ms<"}, {10000000, ">10 ms<"}, {999999999, ">0.9 s<"},
        {1000000000, ">1.0 s<"}, {ASYNC_SEC(9), ">9 s<"},
        {ASYNC_SEC(86400), ">80000 s<"}, {ASYNC_NEVER, ">9000000000 s<"},
    };
    size_t i;

    CHECK_EQ(async_recorder_open(&recorder, events, 1), 0);
    for (i = 0; i < sizeof spans / sizeof *spans; i++) {
        svg(NULL, spans[i].span);
        check_xml();
        HAS(spans[i].label);
        CHECK(count("class=\"grid\"") <= 12);
    }
#endif
}

#if ASYNC_TRACE && ASYNC_HOSTED && ASYNC_OFFLOAD
static int work(void *argument)
{
    (void)argument;
    return 0;
}

static ASYNC offloads(struct program *self)
{
    static async_offload_job job;

    ASYNC_BEGIN(self);
    self->a.us = 5000;
    self->b.us = 6000;
    async_spawn(&self->a.task, nap, &self->a);
    async_spawn(&self->b.task, nap, &self->b);
    AWAIT(async_join(&self->b.task));
    AWAIT(async_offload(&job, work, NULL));
    ASYNC_RAISE(ASYNC_EUSER(1));
    ASYNC_END;
}
#endif

/* b is ready at 6 ms, but a runs until 7. */
TEST(svg_explains_what_it_shows)
{
#if ASYNC_TRACE && ASYNC_HOSTED && ASYNC_OFFLOAD
    record(EVENTS);
    CHECK_EQ(async_run(offloads, fresh()), ASYNC_EUSER(1));
    (void)async_trace_to(NULL, NULL);
    (void)test_warnings();
    svg(NULL, 0);
    check_xml();
    HAS(">a thread works for it</text>");
    HAS("<rect class=\"thread\"");
    HAS("<title>offload</title>");
    HAS(">ends in an error</text>");
#endif
}

#if ASYNC_TRACE && ASYNC_HOSTED
static ASYNC many(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 700; self->i++) {
        self->many[self->i].us = 1000;
        async_spawn(&self->many[self->i].task, works, &self->many[self->i]);
    }
    for (self->i = 0; self->i < 700; self->i++) {
        AWAIT(async_join(&self->many[self->i].task));
    }
    ASYNC_END;
}
#endif

TEST(svg_of_many_tasks)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    record(EVENTS);
    CHECK_EQ(async_run(many, fresh()), 0);
    (void)async_trace_to(NULL, NULL);
    svg(NULL, 0);
    check_xml();
    CHECK_EQ(count("text-anchor=\"end\""), 500);
    HAS(">and tasks that are not shown: 201</text>");
    HAS(">is ready</text>");
    chrome();
    check_json();
    CHECK_EQ(count("thread_name"), 701);
#endif
}

#if ASYNC_TRACE && ASYNC_HOSTED
/* Steps that would hide each other are drawn once. */
static ASYNC yields(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 1000; self->i++) {
        AWAIT(async_yield());
    }
    AWAIT(async_sleep(MS(10)));
    ASYNC_END;
}
#endif

TEST(svg_leaves_out_what_is_hidden)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    record(EVENTS);
    CHECK_EQ(async_run(yields, fresh()), 0);
    (void)async_trace_to(NULL, NULL);
    svg(NULL, 0);
    CHECK_EQ(count("<rect class=\"run\""), 3);  /* and that of the legend */
#endif
}

/* ---- errors -------------------------------------------------------------- */

TEST(record_tells_the_error_of_out)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    int n, all;

    play();
    chrome();
    all = outs;
    CHECK(all > 3);
    for (n = 1; n <= all; n++) {
        clear_text();
        refuse = n;
        CHECK_EQ(async_trace_chrome(&recorder, to_text, text), ASYNC_ENOSPC);
        CHECK_EQ(outs, n);                      /* and it asks no more */
    }
    svg("Naps", 0);
    all = outs;
    for (n = 1; n <= all; n++) {
        clear_text();
        refuse = n;
        CHECK_EQ(async_trace_svg(&recorder, "Naps", 0, to_text, text),
                 ASYNC_ENOSPC);
        CHECK_EQ(outs, n);
    }
#endif
}

TEST(record_refuses)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    int fd = -1;

    play();
    CHECK_EQ(async_trace_chrome(NULL, to_text, text), ASYNC_EINVAL);
    CHECK_EQ(async_trace_chrome(&recorder, NULL, text), ASYNC_EINVAL);
    CHECK_EQ(async_trace_svg(NULL, NULL, 0, to_text, text), ASYNC_EINVAL);
    CHECK_EQ(async_trace_svg(&recorder, NULL, 0, NULL, text), ASYNC_EINVAL);
    CHECK_EQ(async_trace_fd(NULL, "x", 1), ASYNC_EINVAL);
    CHECK_EQ(async_trace_fd(&fd, NULL, 1), ASYNC_EINVAL);
    CHECK_EQ(async_trace_fd(&fd, "x", 1), ASYNC_EBADF);
    CHECK_EQ(async_trace_fd(&fd, "", 0), 0);
    CHECK_EQ(async_trace_chrome(&recorder, async_trace_fd, &fd), ASYNC_EBADF);
#endif
}

TEST(record_of_nothing)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    CHECK_EQ(async_recorder_open(&recorder, events, 1), 0);
    chrome();
    check_json();
    svg(NULL, 0);
    check_xml();
#endif
}

#if ASYNC_TRACE && ASYNC_HOSTED
/* Reads to the end, byte by byte at first. */
static void *reader(void *argument)
{
    const int *fd = (const int *)argument;
    ptrdiff_t n;

    clear_text();
    while ((n = read(*fd, text + length, length < 100 ? 1 : 1000)) > 0) {
        length += (size_t)n;
    }
    text[length] = '\0';
    return NULL;
}
#endif

/* A pipe that does not block, and is full most of the time. */
TEST(record_to_a_descriptor_waits)
{
#if ASYNC_TRACE && ASYNC_HOSTED
    pthread_t thread;
    int ends[2], i;

    play();
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    for (i = 0; write(ends[1], " ", 1) == 1; i++) {
    }
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(pthread_create(&thread, NULL, reader, &ends[0]), 0);
    CHECK_EQ(async_trace_chrome(&recorder, async_trace_fd, &ends[1]), 0);
    close(ends[1]);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    close(ends[0]);
    CHECK(length > (size_t)i);
    memmove(text, text + i, length - (size_t)i + 1);
    length -= (size_t)i;
    check_json();
#endif
}
