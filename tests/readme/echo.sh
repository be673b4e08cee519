#!/bin/sh
# Runs the README's echo server (its program is the argument) with clients.
# Where something else listens on its port, the server's own word is shown.
client=$(dirname "$1")/echo_client
${CC:-cc} -std=c99 -O1 -I. -o "$client" tests/readme/echo_client.c -lpthread \
    || exit 1
"$1" &
server=$!
"$client"
status=$?
kill $server
wait $server 2>/dev/null
exit $status
