/* A stand-in for what the README's program takes of Zephyr: one thread, whose
 * time passes while it waits for a semaphore. Misuse ends the run. */
#ifndef ZEPHYR_STAND_IN
#define ZEPHYR_STAND_IN

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct k_sem { unsigned count, limit; };
typedef struct { int64_t ms; } k_timeout_t;

#define K_SEM_DEFINE(name, initial, most) \
    struct k_sem name = { (initial), (most) }

static uint32_t zephyr_ms;
static unsigned zephyr_locks;

static inline k_timeout_t K_MSEC(int64_t ms)
{
    k_timeout_t timeout;

    timeout.ms = ms;
    return timeout;
}

static inline uint32_t k_uptime_get_32(void)
{
    return zephyr_ms;
}

static inline unsigned irq_lock(void)
{
    return zephyr_locks++;
}

static inline void irq_unlock(unsigned key)
{
    zephyr_locks = key;
}

static inline void k_sem_give(struct k_sem *sem)
{
    if (sem->count < sem->limit) {
        sem->count++;
    }
}

static inline int k_sem_take(struct k_sem *sem, k_timeout_t timeout)
{
    if (zephyr_locks != 0 || timeout.ms < 0) {
        puts("it waits with interrupts locked, or for no time");
        exit(1);
    }
    if (sem->count > 0) {
        sem->count--;
        return 0;
    }
    zephyr_ms += (uint32_t)timeout.ms;
    return -1;
}

#endif
