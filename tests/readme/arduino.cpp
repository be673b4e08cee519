// What the Arduino core declares, for the sketch in the README.
#include <stdint.h>
#define HIGH 1
#define LOW 0
#define OUTPUT 1
extern "C" unsigned long millis(void);
extern "C" void pinMode(uint8_t pin, uint8_t mode);
extern "C" void digitalWrite(uint8_t pin, uint8_t value);
void setup();
void loop();

#include "fragment.h"
