#!/bin/sh
# Turns the Redis functions into a C header: embed.sh INPUT OUTPUT

set -eu

{
    printf '/* made from %s by embed.sh */\n\n' "${1##*/}"
    printf 'static const char  functions_lua[] =\n'
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"
    printf '    ;\n'
} > "$2.tmp"

mv "$2.tmp" "$2"
