#!/bin/bash
#
# Runs a test for prove, by the type of the file.

set -o pipefail

file=$1
shift

case $file in

*.t)
    exec perl -It/lib "$file" "$@"
    ;;

*.mjs)
    # node 18, of Debian 12, needs options for what browsers and newer nodes have
    case $(node --version) in
    v18.*)
        NODE_OPTIONS="--experimental-global-webcrypto"
        export NODE_OPTIONS="$NODE_OPTIONS --experimental-global-customevent"
        ;;
    esac

    # a browser that hangs fails one test, not the whole run
    limit="timeout -k 10 600"

    # prove's YAML parser does not accept all that node writes, so node's
    # diagnostics of failures become comments
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
    # a unit test or the replay of a fuzz target; t/lib/LeaseLoft.pm runs other
    # programs under valgrind too
    exec $LEASELOFT_UNDER "$file" "$@"
    ;;

esac
