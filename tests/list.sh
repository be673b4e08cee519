#!/bin/sh
# Writes the table of tests: every TEST(name) in the files given, in order.
printf '/* Written by tests/list.sh. */\n'
printf '#ifdef __cplusplus\nextern "C" {\n#endif\n'
sed -n 's/^TEST(\([a-zA-Z0-9_]*\)).*/\1/p' "$@" | while read -r name; do
    printf 'void test_%s(void);\n' "$name"
done
printf 'struct test_entry { const char *name; void (*run)(void); };\n'
printf 'extern const struct test_entry test_table[];\n'
printf 'const struct test_entry test_table[] = {\n'
sed -n 's/^TEST(\([a-zA-Z0-9_]*\)).*/\1/p' "$@" | while read -r name; do
    printf '    {"%s", test_%s},\n' "$name" "$name"
done
printf '    {0, 0}\n};\n'
printf '#ifdef __cplusplus\n}\n#endif\n'
