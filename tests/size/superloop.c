/* The blink as a super-loop: no tasks, no queue, all of it in main. */
#define BOARD_TICKS
#include "board.h"

int main(void)
{
    board_time fast = 0;
    board_time slow = 0;
    uint8_t half = 0;                   /* 2: the fast one is stopped */

    board_open();
    board_toggle(FAST);
    board_toggle(SLOW);
    for (;;) {
        board_time now = board_now();

        if ((board_time)(now - slow) >= 330) {
            slow = (board_time)(slow + 330);
            board_toggle(SLOW);
            if (half < 2) {
                half++;
            }
        }
        if (half < 2 && (board_time)(now - fast) >= 100) {
            fast = (board_time)(fast + 100);
            board_toggle(FAST);
        }
        BOARD_SLEEP();
    }
}
