/* files: three files are read at once, made upper case, and written at once.
 *
 *     make run DEMO=files
 *
 * Each is a task, so a file that is missing fails in its own place, and the
 * others are done all the same. What was begun and failed is removed. */
#include "demo.h"

#include <ctype.h>
#include <unistd.h>

enum { FILES = 4, SIZE = 4096 };

static char folder[] = "/tmp/async-demo-XXXXXX";

struct copy {
    async_frame frame;
    async_task task;
    async_file in, out;
    const char *name;
    char from[64], to[64];
    int length, i, outcome, of_in, of_out;
    char buffer[SIZE];
};

static ASYNC upper(struct copy *self)
{
    ASYNC_BEGIN(self);
    snprintf(self->from, sizeof self->from, "%s/%s", folder, self->name);
    snprintf(self->to, sizeof self->to, "%s/%s.upper", folder, self->name);
    ASYNC_WITH_AWAIT(self->of_in,
                     async_file_open(&self->in, self->from, O_RDONLY, 0),
                     async_file_close(&self->in)) {
        AWAIT_VALUE(self->length, async_file_read(&self->in, self->buffer,
                                                  SIZE));
    } ASYNC_WITH_END;

    for (self->i = 0; self->i < self->length; self->i++) {
        self->buffer[self->i] =
            (char)toupper((unsigned char)self->buffer[self->i]);
    }

    ASYNC_TRY {
        ASYNC_WITH_AWAIT(self->of_out,
                         async_file_open(&self->out, self->to,
                                         O_WRONLY | O_CREAT | O_EXCL, 0600),
                         async_file_close(&self->out)) {
            AWAIT(async_file_write(&self->out, self->buffer,
                                   (size_t)self->length));
            AWAIT(async_file_sync(&self->out));
        } ASYNC_WITH_END;
    } ASYNC_FINALLY(self->outcome) {
        if (ASYNC_FAILED(self->outcome)) {
            unlink(self->to);
        }
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->length);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct copy copy[FILES];
    async_waiter waiters[FILES];
    async_wait_set set;
    int i, failed;
};

static const char *const names[FILES] = { "one", "two", "none", "three" };

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < FILES; self->i++) {
        self->copy[self->i].name = names[self->i];
        async_spawn(&self->copy[self->i].task, upper, &self->copy[self->i]);
        self->waiters[self->i].task = &self->copy[self->i].task;
    }
    AWAIT_VALUE(self->failed, async_gather_all(&self->set, self->waiters,
                                               FILES));
    for (self->i = 0; self->i < FILES; self->i++) {
        int result = async_result(&self->copy[self->i].task);

        if (result < 0) {
            printf("%s: %s\n", names[self->i], async_strerror(result));
        } else {
            printf("%s: %d bytes: %s", names[self->i], result,
                   self->copy[self->i].buffer);
        }
    }
    printf("%d failed\n", self->failed);
    ASYNC_END;
}

/* What there is to read, and what was written. */
static void put(const char *name, const char *text)
{
    char path[80];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
}

static void show_and_remove(void)
{
    char path[80], text[SIZE];
    int i;

    for (i = 0; i < FILES; i++) {
        FILE *file;

        snprintf(path, sizeof path, "%s/%s.upper", folder, names[i]);
        file = fopen(path, "r");
        if (file != NULL && fgets(text, sizeof text, file) != NULL) {
            printf("in %s.upper: %s", names[i], text);
        }
        if (file != NULL) {
            fclose(file);
        }
        unlink(path);
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

int main(void)
{
    static struct program frame;
    int rc;

    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    put("one", "the quick brown fox\n");
    put("two", "jumps over\n");
    put("three", "the lazy dog\n");
    rc = async_run(program, &frame);
    show_and_remove();
    return rc < 0;
}
