#include "freertos/FreeRTOS.h"

static inline int64_t esp_timer_get_time(void)
{
    return rtos_us;
}
