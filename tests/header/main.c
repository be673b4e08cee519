#include "user.h"

int main(void)
{
    return first() == 11 && second() == 22 && third() == 33 ? 0 : 1;
}
