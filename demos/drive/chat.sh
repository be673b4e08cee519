# Three friends and one who never listens, by demos/drive/chat.script; then a
# guest of the demo's own client mode, who is there when the server ends.
drive_chat() {
    serve chat || return 1
    PORT=$port limited 60 "$out/script" < demos/drive/chat.script \
        > "$out/chat.got" 2>&1 \
        || { why=$(head -c 300 "$out/chat.got"); return 1; }

    { echo '/nick dora'; sleep 2; } |
        PORT=$port limited 20 "$out/chat" client > "$out/chat.got" 2>&1 &
    guest=$!
    background="$background $guest"
    until_it_says 'you are dora' "$out/chat.got" || return 1
    dismiss TERM chat || return 1
    wait $guest
    grep -q '^\* the server says good-bye$' "$out/chat.got" \
        || { why='no good-bye'; return 1; }
}
