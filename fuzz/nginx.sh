#!/bin/bash
#
# nginx.sh NAME.so [ARGUMENT]...
#
# Runs a fuzz target inside nginx: over its corpus, or with these arguments.
# What it was built with is told by where it lies: with gcc, for the replays of
# build/ and build-san/, or with clang and libFuzzer, in fuzz-run/.

so=$(realpath "$1")
shift

name=$(basename "$so" .so)
[ $# -gt 0 ] || set -- "fuzz/corpus/$name"

# the sanitizers' run-time libraries come before a stock nginx, as in
# conf/nginx_san.sh; what that keeps until it ends is no leak of ours, while
# libFuzzer looks after each input
leaks=0
case $so in
*/fuzz-run/*) preload=$(clang -print-file-name=libclang_rt.asan-x86_64.so)
              leaks=1 ;;
*-san/* | *-palloc/*)
              NGINX_BIN=conf/nginx_san.sh ;;
esac

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

echo "load_module \"$so\";" > "$dir/nginx.conf"

ASAN_OPTIONS=detect_odr_violation=0:detect_leaks=$leaks:$ASAN_OPTIONS
export ASAN_OPTIONS
export UBSAN_OPTIONS=print_stacktrace=1:$UBSAN_OPTIONS

FUZZ_ARGS="$*" LD_PRELOAD=$preload \
    "${NGINX_BIN:-nginx}" -p "$dir" -c "$dir/nginx.conf" -e stderr
