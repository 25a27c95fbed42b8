#!/bin/sh
#
# How prove runs a test: by its kind.

file=$1
shift

case $file in
*.t)   exec perl -It/lib "$file" "$@" ;;
*.mjs) exec node --test --test-reporter=tap "$file" "$@" ;;
*)     exec "$file" "$@" ;;
esac
