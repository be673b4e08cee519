/* Runs a program for an ATmega in libsimavr, as fast as it can:
 *
 *   simulate MCU PROGRAM.elf [-i TEXT] [-s VECTOR]
 *
 * What the program sends to its serial port is printed. It ends by a write to
 * GPIOR1, its exit status; with 97 when it sleeps for ever, 98 on a crash, and
 * 96 after a virtual hour.
 *
 *   -i TEXT    this file arrives at the serial port, at the port's pace
 *   -s VECTOR  a sweep. The program opens a window by writing 1 to GPIOR2, and
 *              closes it by writing 0. In the n-th window this interrupt
 *              strikes at the n-th instruction. When n has passed the window's
 *              end, or the sleep in it, GPIOR2 says so: it reads 2
 */
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GPIOR1 0x4a
#define GPIOR2 0x4b

static int status = -1;                 /* none yet */
static FILE *input;
static avr_int_vector_t *striker;
static bool window;
static long strike_at, passed;

static void on_status(avr_t *avr, avr_io_addr_t at, uint8_t v, void *param)
{
    (void)avr, (void)at, (void)param;
    status = v;
}

static void strike(avr_t *avr)
{
    avr_raise_interrupt(avr, striker);
    window = false;
}

static void on_window(avr_t *avr, avr_io_addr_t at, uint8_t v, void *param)
{
    (void)param;
    if (v == 1) {
        avr->data[at] = 1;
        window = true;
        passed = 0;
        strike_at++;
    } else if (window) {
        avr->data[at] = 2;
        strike(avr);
    }
}

static void on_sent(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)param;
    putchar((int)value);
    if (value == '\n') {
        fflush(stdout);
    }
}

/* Sleeping takes no time here. */
static void on_sleep(avr_t *avr, avr_cycle_count_t cycles)
{
    (void)avr, (void)cycles;
}

static void quiet(avr_t *avr, const int level, const char *format, va_list args)
{
    (void)avr;
    if (level <= LOG_ERROR) {
        vfprintf(stderr, format, args);
    }
}

/* A byte every 2000 cycles, when the port listens. */
static void feed(avr_t *avr, avr_irq_t *port)
{
    static avr_cycle_count_t next;
    uint8_t listens = avr->data[0xc1] & 0x80;   /* UCSR0B, RXCIE0 */
    int c;

    if (input == NULL || !listens || avr->cycle < next) {
        return;
    }
    next = avr->cycle + 2000;
    c = getc(input);
    if (c == EOF) {
        input = NULL;
    } else {
        avr_raise_irq(port, (uint32_t)c);
    }
}

int main(int argc, char **argv)
{
    elf_firmware_t firmware;
    avr_irq_t *port;
    avr_t *avr;
    uint32_t flags = 0;
    int i, vector = 0;

    if (argc < 3) {
        return 2;
    }
    for (i = 3; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-i") == 0) {
            input = fopen(argv[i + 1], "r");
        } else if (strcmp(argv[i], "-s") == 0) {
            vector = atoi(argv[i + 1]);
        }
    }
    avr_global_logger_set(quiet);
    memset(&firmware, 0, sizeof firmware);
    avr = avr_make_mcu_by_name(argv[1]);
    if (avr == NULL || elf_read_firmware(argv[2], &firmware) != 0) {
        fprintf(stderr, "simulate: cannot load %s\n", argv[2]);
        return 2;
    }
    avr_init(avr);
    avr->frequency = 16000000;
    avr_load_firmware(avr, &firmware);
    avr->sleep = on_sleep;
    avr_register_io_write(avr, GPIOR1, on_status, NULL);
    avr_register_io_write(avr, GPIOR2, on_window, NULL);
    for (i = 0; i < avr->interrupts.vector_count; i++) {
        if (vector != 0 && avr->interrupts.vector[i]->vector == vector) {
            striker = avr->interrupts.vector[i];
        }
    }
    avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    port = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'),
                                          UART_IRQ_OUTPUT), on_sent, NULL);

    while (status < 0) {
        int state;

        if (window && (striker == NULL || passed++ == strike_at)) {
            strike(avr);
        }
        state = avr_run(avr);
        feed(avr, port);
        if (state == cpu_Crashed) {
            status = 98;
        } else if (state == cpu_Done) {
            status = 95;
        } else if (avr->cycle > 16000000ull * 3600) {
            status = 96;
        } else if (state == cpu_Sleeping && window) {
            avr->data[GPIOR2] = 2;
            strike(avr);
        } else if (state == cpu_Sleeping && avr->cycle_timers.timer == NULL
                   && !avr_has_pending_interrupts(avr)) {
            fprintf(stderr, "simulate: it sleeps for ever\n");
            status = 97;
        }
    }
    fflush(stdout);
    return status;
}
