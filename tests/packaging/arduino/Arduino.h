// A stand-in for an Arduino's header: as much of it as the examples use, on
// the machine that runs the tests or on an AVR. Time passes by one millisecond
// for each loop(), pins and the serial line follow a script, and what a sketch
// does is printed. See board.cpp.
#ifndef ARDUINO_STAND_IN
#define ARDUINO_STAND_IN

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LOW = 0, HIGH = 1 };
enum { INPUT, OUTPUT, INPUT_PULLUP };
enum { CHANGE = 1, FALLING = 2, RISING = 3 };
enum { LED_BUILTIN = 13 };

void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t value);
int digitalRead(uint8_t pin);
extern "C" unsigned long millis(void);
void attachInterrupt(uint8_t interrupt, void (*handler)(void), int mode);
#define digitalPinToInterrupt(pin) ((pin) == 2 ? 0 : (pin) == 3 ? 1 : -1)

struct SerialPort {
    void begin(unsigned long baud);
    int available();
    int read();
    size_t println(const char *text);
};
extern SerialPort Serial;

// The sketch's own.
void setup();
void loop();

#endif
