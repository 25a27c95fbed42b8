#!/bin/bash
#
# How prove runs a test: by its kind.

set -o pipefail

file=$1
shift

case $file in

*.t)
    exec perl -It/lib "$file" "$@"
    ;;

*.mjs)
    # prove's reader of YAML does not take all that node writes, so what node
    # says of a failure becomes a comment
    node --test --test-reporter=tap "$file" "$@" | awk '
        /^ *(not )?ok /  { failed = /^ *not ok / }
        /^ *---$/        { inside = 1 }
        !inside          { print }
        inside && failed { print "# " $0 > "/dev/stderr" }
        /^ *\.\.\.$/     { inside = 0 }
                         { fflush() }'
    ;;

*)
    exec "$file" "$@"
    ;;

esac
