#!/bin/sh
#
# Runs nginx with a module that was built with sanitizers: preloads their
# run-time libraries.  Leaks are not detected, as nginx itself does not free all
# memory at exit.  SAN_NGINX names the nginx.

nginx=$(PATH=$PATH:/usr/sbin command -v "${SAN_NGINX:-nginx}")

LD_PRELOAD=$(gcc -print-file-name=libasan.so)
LD_PRELOAD=$LD_PRELOAD:$(gcc -print-file-name=libubsan.so)
ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0:$ASAN_OPTIONS
UBSAN_OPTIONS=print_stacktrace=1:$UBSAN_OPTIONS
export LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS

exec "$nginx" "$@"
