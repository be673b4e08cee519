/* ===========================================================================
 * subprocess_talk: all streams of a child at once.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "subprocess.h"
#include "fd_table.h"

#include <string.h>

enum { ASYNC_TALK_FRESH_ = 0, ASYNC_TALK_BROKEN_OFF_, ASYNC_TALK_PUMPS_,
       ASYNC_TALK_WAITS_ };

/* Tasks without a frame: all that they remember is how much was moved. */
static async_status async_pump_in_(async_pump_ *pump)
{
    async_communication *talk = pump->talk;
    async_status rc = async_write_all(*pump->fd, talk->input,
                                      talk->input_length, &talk->input_done);

    if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL) {
        return rc;
    }
    (void)async_process_close_end(pump->fd);
    return rc == ASYNC_EPIPE || rc == ASYNC_ECONNRESET || rc > 0 ? 0 : rc;
}

static async_status async_pump_from_(async_pump_ *pump, void *to, size_t room,
                                     size_t *length)
{
    char scrap[4096];

    for (;;) {
        bool fits = to != NULL && *length < room;
        async_status rc = async_read(*pump->fd,
                                     fits ? (char *)to + *length : scrap,
                                     fits ? room - *length : sizeof scrap);

        if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL) {
            return rc;
        }
        if (rc <= 0) {
            (void)async_process_close_end(pump->fd);
            return rc;
        }
        *length += (size_t)rc;
    }
}

static async_status async_pump_out_(async_pump_ *pump)
{
    async_communication *talk = pump->talk;

    return async_pump_from_(pump, talk->output, talk->output_room,
                            &talk->output_length);
}

static async_status async_pump_err_(async_pump_ *pump)
{
    async_communication *talk = pump->talk;

    return async_pump_from_(pump, talk->errors, talk->errors_room,
                            &talk->errors_length);
}

/* Its error is kept: whoever is struck in this very turn does not hear of it,
 * and must not be told afterwards that all went well. */
static async_status async_pump_one_(async_pump_ *pump)
{
    async_status rc = pump->fn(pump);

    if (rc < 0 && rc != ASYNC_PENDING && rc != ASYNC_CANCEL
        && pump->talk->failed_ == 0) {
        pump->talk->failed_ = rc;
    }
    return rc;
}

static void async_talk_pump_(async_communication *talk, int *fd,
                             async_status (*fn)(async_pump_ *pump))
{
    async_pump_ *pump = &talk->pump_[talk->pumps_];

    if (*fd < 0) {
        return;
    }
    memset(pump, 0, sizeof *pump);
    pump->talk = talk;
    pump->fn = fn;
    pump->fd = fd;
    (void)async_spawn(&pump->task, async_pump_one_, pump);
    talk->waiters_[talk->pumps_].task = &pump->task;
    talk->pumps_++;
}

/* The first evaluation of a call. */
static int async_talk_begin_(async_process *process, async_communication *talk)
{
    if ((talk->input == NULL && talk->input_length != 0)
        || (talk->output == NULL && talk->output_room != 0)
        || (talk->errors == NULL && talk->errors_room != 0)
        || (talk->stage_ == ASYNC_TALK_FRESH_ && process->in < 0
            && talk->input_length != 0)) {
        return ASYNC_EINVAL;
    }
    if (talk->stage_ == ASYNC_TALK_FRESH_) {
        talk->output_length = talk->errors_length = talk->input_done = 0;
        talk->failed_ = 0;
    }
    process->talker = async_this_task_;
    talk->pumps_ = 0;
    async_talk_pump_(talk, &process->in, async_pump_in_);
    async_talk_pump_(talk, &process->out, async_pump_out_);
    async_talk_pump_(talk, &process->err, async_pump_err_);
    talk->stage_ = ASYNC_TALK_PUMPS_;
    return 0;
}

/* Its two waits, one after the other. */
static async_status async_talk_(async_process *process,
                                async_communication *talk)
{
    async_status rc;

    if (talk->stage_ == ASYNC_TALK_PUMPS_) {
        rc = talk->pumps_ == 0 ? 0 : async_gather(&talk->set_, talk->waiters_,
                                                  talk->pumps_);
        if (rc != 0) {
            return rc;
        }
        talk->stage_ = ASYNC_TALK_WAITS_;
    }
    return async_process_wait(process);
}

ASYNC_API async_status async_process_communicate(async_process *process,
                                                 async_communication *talk)
{
    async_task *task = async_self_();
    async_status rc;

    if (process == NULL || talk == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (process->talker != task) {
        rc = process->pid == 0 ? ASYNC_EINVAL
            : process->talker != NULL ? ASYNC_EBUSY
            : async_talk_begin_(process, talk);
        if (rc < 0) {
            return async_settle_(task, rc);
        }
    }
    rc = async_talk_(process, talk);
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_("async_process_communicate", process);
        return rc;
    }
    process->talker = NULL;
    rc = rc >= 0 && talk->failed_ < 0 ? talk->failed_ : rc;
    if (rc < 0) {
        talk->stage_ = ASYNC_TALK_BROKEN_OFF_;
        return rc;
    }
    talk->stage_ = ASYNC_TALK_FRESH_;
    return (talk->output != NULL && talk->output_length > talk->output_room)
        || (talk->errors != NULL && talk->errors_length > talk->errors_room)
        ? ASYNC_EOVERFLOW : rc;
}

#endif
