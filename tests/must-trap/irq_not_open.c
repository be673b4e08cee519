/* An event of an irq that was never opened.
 *
 * trap: async_irq_raise: the irq is not open
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

int main(void)
{
    static async_irq irq;

    async_irq_raise(&irq);
    return 0;
}
