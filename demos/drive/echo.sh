# Twenty clients at once, then one more, and control-C.
drive_echo() {
    serve echo || return 1
    clients=''
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        PORT=$port limited 20 "$out/echo" one two "number $i" \
            > "$out/echo.$i" 2>&1 &
        clients="$clients $!"
    done
    for client in $clients; do
        wait "$client" || { why='a client failed'; return 1; }
    done
    for i in 1 7 20; do
        [ "$(tr '\n' ' ' < "$out/echo.$i")" = "one two number $i " ] \
            || { why="client $i: $(head -c 200 "$out/echo.$i")"; return 1; }
    done
    dismiss INT echo || return 1
    if PORT=$port limited 20 "$out/echo" hello > "$out/echo.got" 2>&1; then
        why='it still serves'
        return 1
    fi
    grep -q 'connection refused' "$out/echo.got" \
        || { why='no error'; return 1; }
}
