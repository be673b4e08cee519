# Files and what are none, in a row over one connection; what is no request;
# several clients at once; and the end.
drive_http() {
    rm -rf "$out/site"
    mkdir -p "$out/site/sub"
    echo 'a page' > "$out/site/index.html"
    : > "$out/site/empty"
    echo 'hidden' > "$out/site/.secret"
    head -n 9000 async.h > "$out/site/sub/large.txt"
    size=$(wc -c < "$out/site/sub/large.txt" | tr -d ' ')
    first=$(head -n 1 async.h)
    ROOT=$out/site
    export ROOT
    serve http || { unset ROOT; return 1; }
    unset ROOT

    PORT=$port limited 20 "$out/http" / /empty /nothing /sub /sub/large.txt \
        /index%2ehtml '/index.html?x=1' /.secret > "$out/http.got" 2>&1
    cat > "$out/http.want" <<END
200 /: 7 bytes: a page
200 /empty: 0 bytes: 
404 /nothing: 10 bytes: Not Found
404 /sub: 10 bytes: Not Found
200 /sub/large.txt: $size bytes: $first
200 /index%2ehtml: 7 bytes: a page
200 /index.html?x=1: 7 bytes: a page
400 /.secret: 12 bytes: Bad Request
END
    cmp -s "$out/http.got" "$out/http.want" \
        || { why="$(diff "$out/http.want" "$out/http.got" | head -n 4)"
             return 1; }

    sed "s/ *CR\$/$(printf '\r')/" demos/drive/http.script > "$out/http.script"
    PORT=$port limited 20 "$out/script" < "$out/http.script" \
        > "$out/http.got" 2>&1 \
        || { why=$(head -c 300 "$out/http.got"); return 1; }

    clients=''
    for i in 1 2 3 4 5 6 7 8; do
        PORT=$port limited 20 "$out/http" /sub/large.txt / /sub/large.txt \
            > "$out/http.$i" 2>&1 &
        clients="$clients $!"
    done
    for client in $clients; do
        wait "$client" || { why='one of eight failed'; return 1; }
    done
    for i in 1 2 3 4 5 6 7 8; do
        [ "$(grep -c "^200 .* $size bytes" "$out/http.$i")" = 2 ] \
            || { why="of eight: $(head -n 3 "$out/http.$i")"; return 1; }
    done
    dismiss TERM http || return 1
    if PORT=$port limited 20 "$out/http" / > "$out/http.got" 2>&1; then
        why='it still serves'
        return 1
    fi
}
