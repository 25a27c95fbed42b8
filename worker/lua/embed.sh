#!/bin/sh
# Turns the Redis functions into a C header: embed.sh INPUT OUTPUT
#
# The library is one text to Redis: INPUT, which has its head, and then what
# lies beside it, as functions_view.lua does beside functions.lua.

set -eu

base=${1%.lua}

{
    printf '/* made from %s and what belongs to it by embed.sh */\n\n' \
           "${1##*/}"
    printf 'static const char  functions_lua[] =\n'
    cat "$1" "${base}_view.lua" "${base}_thread.lua" "${base}_read.lua" \
        "${base}_inbox.lua" "${base}_queue.lua" "${base}_service.lua" \
        | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/'
    printf '    ;\n'
} > "$2.tmp"

mv "$2.tmp" "$2"
