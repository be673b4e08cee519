/* Nothing: what every other program is measured from. */
int main(void)
{
    for (;;) {
    }
}
