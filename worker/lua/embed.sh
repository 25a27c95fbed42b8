#!/bin/sh
# Makes a C header of the Redis functions: embed.sh INPUT OUTPUT
#
# Redis loads the library as one text: INPUT followed by the files beside it,
# such as functions_view.lua beside functions.lua.

set -eu

base=${1%.lua}

{
    printf '/* made from %s and the files beside it by embed.sh */\n\n' \
           "${1##*/}"
    printf 'static const char  functions_lua[] =\n'
    cat "$1" "${base}_segment.lua" "${base}_view.lua" "${base}_record.lua" \
        "${base}_thread.lua" "${base}_read.lua" "${base}_erase.lua" "${base}_purge.lua" \
        "${base}_inbox.lua" "${base}_queue.lua" "${base}_service.lua" \
        | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/'
    printf '    ;\n'
} > "$2.tmp"

mv "$2.tmp" "$2"
