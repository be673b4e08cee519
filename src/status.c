/* status.c: the texts of the codes. */
#include "status.h"

#if ASYNC_HOSTED
#include <string.h>
#endif

/* The texts stand in the table itself, without pointers: one constant object,
 * which a linker drops whole when nobody calls async_strerror. */
static const struct async_text_ {
    int16_t code;
    char text[30];
} async_texts_[] = {
    {ASYNC_EPERM, "not permitted"},
    {ASYNC_ENOENT, "no such file or entry"},
    {ASYNC_EINTR, "interrupted"},
    {ASYNC_EIO, "input or output failed"},
    {ASYNC_EBADF, "bad file descriptor"},
    {ASYNC_EAGAIN, "not now, try again"},
    {ASYNC_ENOMEM, "out of memory"},
    {ASYNC_EBUSY, "busy"},
    {ASYNC_EEXIST, "exists already"},
    {ASYNC_ENODEV, "no such device"},
    {ASYNC_EINVAL, "invalid argument"},
    {ASYNC_ENFILE, "too many files in the system"},
    {ASYNC_EMFILE, "too many open files"},
    {ASYNC_ENOSPC, "no space left"},
    {ASYNC_EPIPE, "broken pipe"},
    {ASYNC_ERANGE, "out of range"},
    {ASYNC_EDEADLK, "deadlock"},
    {ASYNC_ENOSYS, "not supported here"},
    {ASYNC_EOVERFLOW, "value too large"},
    {ASYNC_EMSGSIZE, "message too long"},
    {ASYNC_EADDRINUSE, "address in use"},
    {ASYNC_ENETUNREACH, "network unreachable"},
    {ASYNC_ECONNABORTED, "connection aborted"},
    {ASYNC_ECONNRESET, "connection reset by peer"},
    {ASYNC_ENOBUFS, "no buffer space"},
    {ASYNC_ENOTCONN, "not connected"},
    {ASYNC_ESHUTDOWN, "shut down"},
    {ASYNC_ETIMEDOUT, "timed out"},
    {ASYNC_ECONNREFUSED, "connection refused"},
    {ASYNC_EHOSTUNREACH, "no route to host"},
    {ASYNC_EALREADY, "already under way"},
    {ASYNC_EINPROGRESS, "in progress"},
    {ASYNC_ECANCELED, "cancelled"},
    {ASYNC_EBROKEN, "broken barrier"},
#if ASYNC_HOSTED
    {ASYNC_ENOHOST, "no such host"},
    {ASYNC_ENOSERVICE, "no such service"},
    {ASYNC_EHOSTAGAIN, "no answer from a name server"},
    {ASYNC_EHOSTFAIL, "the lookup of a name failed"},
#endif
};

ASYNC_API const char *async_strerror(int status)
{
    if (status >= 0) {
        return "success";
    }
    if (status == ASYNC_PENDING) {
        return "pending";
    }
    if (status == ASYNC_CANCEL) {
        return "the task is cancelled";
    }
    if (status <= ASYNC_EUSER(0)) {
        return "the user's own error";
    }
    for (size_t i = 0; i < sizeof async_texts_ / sizeof *async_texts_; i++) {
        if (async_texts_[i].code == status) {
            return async_texts_[i].text;
        }
    }
#if ASYNC_HOSTED
    return strerror(-status);
#else
    return "unknown error";
#endif
}
