// The stand-in's board: see Arduino.h. SCRIPT names a file with a list of
// events, each a time, a pin (or SAYS), and its new level (or what is typed);
// the last one, with the pin ENDS, ends the run.
#include "Arduino.h"

#ifdef __AVR__
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
static void put(char c)
{
    UDR0 = (uint8_t)c;
}
static void end()
{
    cli();
    sleep_mode();               // which ends a run in simavr
}
#else
#include <stdio.h>
#include <stdlib.h>
static void put(char c)
{
    putchar(c);
}
static void end()
{
    exit(0);
}
#endif

enum { SAYS = 100, ENDS = 101 };
struct event { unsigned ms; uint8_t pin; uint8_t level; const char *text; };
static const struct event script[] = {
#include SCRIPT
};

SerialPort Serial;
static unsigned now;
static const struct event *next = script;
static uint8_t levels[20] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static uint8_t modes[20];
static void (*handlers[2])(void);
static const char *typed = "";

static void say(const char *text)
{
    while (*text != '\0') {
        put(*text++);
    }
}

static void say_number(unsigned n)
{
    if (n >= 10) {
        say_number(n / 10);
    }
    put((char)('0' + n % 10));
}

void pinMode(uint8_t pin, uint8_t mode)
{
    modes[pin] = mode;
    if (mode == OUTPUT) {
        levels[pin] = LOW;
    }
}

void digitalWrite(uint8_t pin, uint8_t value)
{
    if (modes[pin] != OUTPUT) {
        say("not an output: ");
    } else if (levels[pin] == value) {
        return;
    }
    levels[pin] = value;
    say_number(now);
    say(value ? " on " : " off ");
    say_number(pin);
    put('\n');
}

int digitalRead(uint8_t pin)
{
    return levels[pin];
}

unsigned long millis(void)
{
    return now;
}

void attachInterrupt(uint8_t interrupt, void (*handler)(void), int)
{
    handlers[interrupt] = handler;
}

void SerialPort::begin(unsigned long)
{
}

int SerialPort::available()
{
    return (int)strlen(typed);
}

int SerialPort::read()
{
    return *typed == '\0' ? -1 : *typed++;
}

size_t SerialPort::println(const char *text)
{
    say_number(now);
    put(' ');
    say(text);
    put('\n');
    return strlen(text) + 2;
}

int main()
{
    setup();
    for (;; now++) {
        for (; next->ms == now; next++) {
            if (next->pin == ENDS) {
                end();
            } else if (next->pin == SAYS) {
                typed = next->text;
            } else {
                bool fell = levels[next->pin] == HIGH && next->level == LOW;
                int which = digitalPinToInterrupt(next->pin);

                levels[next->pin] = next->level;
                if (fell && which >= 0 && handlers[which] != NULL) {
                    handlers[which]();
                }
            }
        }
        loop();
    }
}
