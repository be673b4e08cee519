#ifndef TASK_STAND_IN
#define TASK_STAND_IN

#include "freertos/FreeRTOS.h"

typedef int *TaskHandle_t;

static int rtos_task;

static inline TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    return &rtos_task;
}

static inline BaseType_t xPortInIsrContext(void)
{
    return pdFALSE;
}

static inline uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks)
{
    uint32_t was = rtos_notified;

    rtos_check(rtos_in_lock == 0, "it waits in a critical section");
    rtos_check(clear == pdTRUE, "it leaves notifications behind");
    rtos_check(ticks > 0, "it does not wait");
    rtos_notified = 0;
    if (was == 0) {
        rtos_us += (int64_t)ticks * (1000000 / configTICK_RATE_HZ);
    }
    return was;
}

static inline BaseType_t xTaskNotifyGive(TaskHandle_t task)
{
    rtos_check(task == &rtos_task, "it notifies no task");
    rtos_notified++;
    return pdTRUE;
}

static inline void vTaskNotifyGiveFromISR(TaskHandle_t task, BaseType_t *woken)
{
    xTaskNotifyGive(task);
    *woken = pdTRUE;
}

#define portYIELD_FROM_ISR(woken) ((void)(woken))

#endif
