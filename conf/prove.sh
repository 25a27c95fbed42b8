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
    # Debian 12's own node, 18, hides what browsers and newer ones have
    case $(node --version) in
    v18.*)
        NODE_OPTIONS="--experimental-global-webcrypto"
        export NODE_OPTIONS="$NODE_OPTIONS --experimental-global-customevent"
        ;;
    esac

    # a browser that hangs is a failure, not the end of the run
    limit="timeout -k 10 300"

    # prove's reader of YAML does not take all that node writes, so what node
    # says of a failure becomes a comment
    $limit node --test --test-reporter=tap "$file" "$@" | awk '
        /^ *(not )?ok /  { failed = /^ *not ok / }
        /^ *---$/        { inside = 1 }
        !inside          { print }
        inside && failed { print "# " $0 > "/dev/stderr" }
        /^ *\.\.\.$/     { inside = 0 }
                         { fflush() }'
    ;;

*.so)
    exec fuzz/nginx.sh "$file" "$@"
    ;;

*)
    # a unit test or the replay of a fuzz target; t/lib/LeaseLoft.pm has more of
    # what runs under valgrind
    exec $LEASELOFT_UNDER "$file" "$@"
    ;;

esac
