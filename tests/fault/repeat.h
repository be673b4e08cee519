/* repeat: runs a scenario again and again; in run n the n-th call of a kind
 * fails. Before this is included, run_scenario() is defined, and SCENARIO, the
 * beginning of the name under which it reports. */
#ifndef REPEAT_H
#define REPEAT_H

/* ---- the loop over n ----------------------------------------------------- */

static int lowest(void)
{
    int fd = dup(2);

    close(fd);
    return fd;
}

#if ASYNC_POLL
#define BACKEND SCENARIO "poll"
#elif ASYNC_KQUEUE
#define BACKEND SCENARIO "kqueue"
#else
#define BACKEND SCENARIO "epoll"
#endif

static void on_alarm(int number)
{
    static char text[160];
    int n = snprintf(text, sizeof text,
                     "FAIL fault-%s-%s: it hangs when call %ld fails\n",
                     BACKEND, fault == NULL ? "none" : fault->name, nth);

    (void)number;
    (void)!write(1, text, (size_t)n);
    _exit(1);
}

/* One kind: its n-th call fails, for every n, until no call is the n-th. */
static int try_all(const struct fault *kind)
{
    int bad = 0, free_fd = lowest();
    const char *name = kind == NULL ? "none" : kind->name;
    long runs = 0;

    for (nth = 1; bad == 0; nth += nth < 100 ? 1 : 13) {
        int rc;

        wrong = 0;
        counted = 0;
        fault = kind;
        alarm(20);
        rc = run_scenario();
        alarm(0);
        runs++;
        if (wrong != 0) {
            printf("FAIL fault-%s-%s: wrong bytes when call %ld fails\n",
                   BACKEND, name, nth);
            bad = 1;
        }
        if (lowest() != free_fd) {
            printf("FAIL fault-%s-%s: a descriptor is left open when call "
                   "%ld fails\n", BACKEND, name, nth);
            bad = 1;
        }
        if (rc != 0 && (kind == NULL || kind->harmless || counted < nth)) {
            printf("FAIL fault-%s-%s: %s when call %ld fails\n", BACKEND,
                   name, async_strerror(rc), nth);
            bad = 1;
        }
        if (kind == NULL || counted < nth) {
            break;
        }
    }
    fault = NULL;
    if (bad == 0) {
        printf("ok fault-%s-%s (%ld runs)\n", BACKEND, name, runs);
    }
    return bad;
}

int main(int argc, char **argv)
{
    const struct fault *kind;
    unsigned i, x = 1;
    int bad;

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, on_alarm);
    for (i = 0; i < MUCH; i++) {
        x = x * 1103515245U + 12345U;
        pattern[i] = (char)(x >> 16);
    }
    bad = try_all(NULL);
    for (kind = faults; kind->name != NULL; kind++) {
        if (argc < 2 || strcmp(argv[1], kind->name) == 0) {
            bad |= try_all(kind);
        }
    }
    return bad;
}

#endif
