#!/bin/sh
#
# nginx for a module that was built with sanitizers: their run-time libraries
# come before a stock nginx.  What that keeps until it ends is no leak of ours.
# SAN_NGINX says which nginx it is.

nginx=$(PATH=$PATH:/usr/sbin command -v "${SAN_NGINX:-nginx}")

LD_PRELOAD=$(gcc -print-file-name=libasan.so)
LD_PRELOAD=$LD_PRELOAD:$(gcc -print-file-name=libubsan.so)
ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0:$ASAN_OPTIONS
UBSAN_OPTIONS=print_stacktrace=1:$UBSAN_OPTIONS
export LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS

exec "$nginx" "$@"
