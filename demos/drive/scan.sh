# A port where the echo server listens, and the one after it has gone.
drive_scan() {
    [ -x "$out/echo" ] || build echo || { why='no echo'; return 1; }
    serve echo || return 1
    limited 20 "$out/scan" 127.0.0.1 "$port" > "$out/scan.got" 2>&1
    grep -q "^ *$port open\$" "$out/scan.got" \
        || { why="it does not find $port: $(cat "$out/scan.got")"; return 1; }
    grep -q ' 1 open, 0 closed, 0 silent' "$out/scan.got" \
        || { why="$(cat "$out/scan.got")"; return 1; }
    dismiss TERM echo || return 1
    limited 20 "$out/scan" 127.0.0.1 "$port" > "$out/scan.got" 2>&1
    grep -q ' 0 open, 1 closed, 0 silent' "$out/scan.got" \
        || { why="$(cat "$out/scan.got")"; return 1; }
    limited 20 "$out/scan" 127.0.0.1 1 999 > "$out/scan.got" 2>&1 \
        || { why='status'; return 1; }
    limited 20 "$out/scan" nowhere > "$out/scan.got" 2>&1 \
        && { why='a name is no address'; return 1; }
    return 0
}
