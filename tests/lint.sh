#!/bin/sh
# make lint: more checks than every build wants, on the demos and the header.
# Each tool that is missing is named in one line.
status=0
flags='-std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -DASYNC_LINT=1'

for compiler in gcc clang clang-19; do
    if ! command -v $compiler >/dev/null 2>&1; then
        echo "skipped: no $compiler"
        continue
    fi
    case $compiler in
        gcc) more='-O2 -fanalyzer -Wno-analyzer-use-of-uninitialized-value' ;;
        *) more='-O1 -Wconditional-uninitialized' ;;
    esac
    for file in demos/*.c; do
        # shellcheck disable=SC2086
        if ! $compiler $flags $more -Werror -I. -fsyntax-only "$file"; then
            echo "lint: $compiler: $file"
            status=1
        fi
    done
done
if command -v cppcheck >/dev/null 2>&1; then
    cppcheck --quiet --std=c99 --error-exitcode=1 --enable=warning,portability \
        --suppress=uninitvar --suppress=missingIncludeSystem \
        --inline-suppr -DASYNC_IMPLEMENTATION -Isrc src/async.c || status=1
else
    echo 'skipped: no cppcheck'
fi
if [ $status -eq 0 ]; then
    echo 'lint: nothing found'
fi
exit $status
