# Three friends and one who never listens, by demos/drive/chat.script; then
# two guests of the demo's own client mode, of whom the second one is there
# when the server ends.
drive_chat() {
    serve chat || return 1
    PORT=$port limited 60 "$out/script" < demos/drive/chat.script \
        > "$out/chat.got" 2>&1 \
        || { why=$(head -c 300 "$out/chat.got"); return 1; }

    echo '/who' | PORT=$port limited 20 "$out/chat" client > "$out/chat.got" \
        2>&1 || { why='a guest who types only a line'; return 1; }
    grep -q 'is in lobby' "$out/chat.got" || { why='no answer'; return 1; }

    rm -f "$out/typed"
    mkfifo "$out/typed"
    PORT=$port "$out/chat" client < "$out/typed" > "$out/chat.got" 2>&1 &
    guest=$!
    background="$background $guest"
    exec 4> "$out/typed"
    echo '/nick dora' >&4
    until_it_says 'you are dora' "$out/chat.got" || return 1
    dismiss TERM chat || return 1
    wait $guest
    exec 4>&-
    grep -q '^\* the server says good-bye$' "$out/chat.got" \
        || { why='no good-bye'; return 1; }
}
