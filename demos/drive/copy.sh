# From a file, through pipes, nothing at all, and to somebody who hangs up.
drive_copy() {
    limited 20 "$out/copy" < async.h > "$out/copy.got" 2> "$out/copy.err" \
        || { why='status'; return 1; }
    cmp -s async.h "$out/copy.got" || { why='a copy differs'; return 1; }
    grep -q "^$(wc -c < async.h | tr -d ' ') bytes in " "$out/copy.err" \
        || { why="it says $(head -c 100 "$out/copy.err")"; return 1; }

    cat async.h async.h | limited 20 "$out/copy" 2> "$out/copy.err" \
        | cat > "$out/copy.got"
    cat async.h async.h | cmp -s - "$out/copy.got" \
        || { why='a copy of a pipe differs'; return 1; }

    limited 20 "$out/copy" < /dev/null > "$out/copy.got" 2> "$out/copy.err" \
        || { why='status of an empty copy'; return 1; }
    [ -s "$out/copy.got" ] && { why='an empty copy is not empty'; return 1; }

    cat async.h async.h async.h \
        | limited 20 "$out/copy" 2> "$out/copy.err" | head -n 1 > /dev/null
    grep -q '^copy: ' "$out/copy.err" || { why='no error'; return 1; }
}
