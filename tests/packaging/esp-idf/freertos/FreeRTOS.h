/* A stand-in for what the README's program takes of ESP-IDF: one RTOS task,
 * whose time passes while it waits for a notification. Misuse ends the run. */
#ifndef FREERTOS_STAND_IN
#define FREERTOS_STAND_IN

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct { int locked; } portMUX_TYPE;
typedef uint32_t TickType_t;
typedef int BaseType_t;

#define portMUX_INITIALIZER_UNLOCKED { 0 }
#define configTICK_RATE_HZ 100
#define pdMS_TO_TICKS(ms) \
    ((TickType_t)((TickType_t)(ms) * configTICK_RATE_HZ / 1000))
#define pdTRUE 1
#define pdFALSE 0

static int64_t rtos_us;
static unsigned rtos_notified;
static int rtos_in_lock;

static inline void rtos_check(int good, const char *what)
{
    if (!good) {
        puts(what);
        exit(1);
    }
}

static inline void portENTER_CRITICAL_SAFE(portMUX_TYPE *mux)
{
    mux->locked++;
    rtos_in_lock++;
}

static inline void portEXIT_CRITICAL_SAFE(portMUX_TYPE *mux)
{
    rtos_check(mux->locked > 0, "it was not locked");
    mux->locked--;
    rtos_in_lock--;
}

void app_main(void);
int main(void)
{
    app_main();
    return rtos_in_lock;
}

#endif
