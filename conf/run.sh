#!/bin/bash
#
# run.sh run | start | stop
#
# The demo: a private Redis, workers and nginx in RUN_DIR, with two leases and
# a sign-in link for each of their users.  "start" returns once everything is
# up, "run" waits until it is interrupted and then stops it, "stop" ends what
# "start" started.  Only processes that belong to RUN_DIR are ended.
#
# Environment (set by make): PORT, INTERNAL_PORT, RUN_DIR, NGINX_WORKERS,
# LEASELOFT_WORKERS, REDIS_URL, BUILD, NGINX_BIN, REDIS_BIN; and
# LEASELOFT_PREFIX, as for the worker and the command line.

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1

: "${PORT:=8080}" "${INTERNAL_PORT:=8081}" "${RUN_DIR:=run}" "${BUILD:=build}"
: "${NGINX_WORKERS:=auto}" "${LEASELOFT_WORKERS:=1}" "${NGINX_BIN:=nginx}"
: "${REDIS_BIN:=redis-server}"
PATH=$PATH:/usr/sbin:/sbin

run=$(realpath -m "$RUN_DIR")
build=$(realpath -m "$BUILD")
internal=http://127.0.0.1:$INTERNAL_PORT/internal


say() { echo "leaseloft: $*"; }

die() {
    echo "leaseloft: $*" >&2
    exit 1
}


# --- processes of RUN_DIR ---

# mine NAME: prints the pid in RUN_DIR/NAME.pid, if that process exists and
# belongs to RUN_DIR; the pid may have been reused
mine() {
    local pid
    read -r pid 2>/dev/null < "$run/$1.pid" || return 1
    [[ $pid =~ ^[0-9]+$ ]] && [ -d "/proc/$pid" ] || return 1

    case $1 in
    nginx) tr '\0' ' ' < "/proc/$pid/cmdline" | grep -qF "$run/nginx.conf" ;;
    *)     [[ $(readlink "/proc/$pid/cwd") == "$run"* ]] ;;
    esac || return 1

    echo "$pid"
}

names() {
    local file
    for file in "$run"/nginx.pid "$run"/worker-*.pid "$run"/redis.pid; do
        [ -e "$file" ] && basename "$file" .pid
    done
}

# orphans: the worker processes of an nginx whose master was killed; they keep
# serving, and write into its log
orphans() {
    local fd pid
    for fd in /proc/[0-9]*/fd/2; do
        [ "$fd" -ef "$run/nginx-error.log" ] || continue
        pid=${fd#/proc/} pid=${pid%%/*}
        [[ $(tr '\0' ' ' < "/proc/$pid/cmdline") == nginx:\ worker* ]] \
            && echo "$pid"
    done 2>/dev/null
}

running() {
    local name
    for name in $(names); do
        mine "$name" >/dev/null && return 0
    done
    [ -n "$(orphans)" ]
}


# --- stopping ---

# ends one process and waits for it: SIGTERM first, then SIGKILL
end() {
    local pid signal i
    pid=$(mine "$1") || { rm -f "$run/$1.pid"; return; }

    for signal in TERM KILL; do
        kill -$signal "$pid" 2>/dev/null
        for ((i = 0; i < 100; i++)); do
            mine "$1" >/dev/null || { rm -f "$run/$1.pid"; return; }
            sleep 0.1
        done
    done

    say "$1 (pid $pid) does not end" >&2
}

# nginx first, so that no client is left waiting; Redis last
stop() {
    local name
    for name in $(names); do
        end "$name"
        [ "$name" != nginx ] || end_orphans
    done
    end_orphans
    rm -f "$run/redis.sock"
}

end_orphans() {
    local pids i
    pids=$(orphans)
    [ -n "$pids" ] || return 0

    # unquoted: one argument per pid
    kill -TERM $pids 2>/dev/null
    for ((i = 0; i < 100; i++)); do
        [ -n "$(orphans)" ] || return 0
        sleep 0.1
    done
    kill -KILL $pids 2>/dev/null
}


# --- starting ---

check() {
    local name value path

    for name in PORT INTERNAL_PORT; do
        value=${!name}
        [[ $value =~ ^[0-9]+$ ]] && ((value > 0 && value < 65536)) \
            || die "$name=$value is not a port: use 1 to 65535"
    done

    [ "$PORT" != "$INTERNAL_PORT" ] \
        || die "PORT and INTERNAL_PORT are both $PORT: choose two"

    [[ $LEASELOFT_WORKERS =~ ^[1-9][0-9]?$ ]] \
        || die "LEASELOFT_WORKERS=$LEASELOFT_WORKERS: use 1 to 99"

    [[ $NGINX_WORKERS =~ ^([1-9][0-9]*|auto)$ ]] \
        || die "NGINX_WORKERS=$NGINX_WORKERS: use a number, or auto"

    [[ ${LEASELOFT_PREFIX:-ll} =~ ^[a-z0-9_-]{1,16}$ ]] \
        || die "LEASELOFT_PREFIX=$LEASELOFT_PREFIX: use 1 to 16 of a-z 0-9 _ -"

    for path in "$run" "$root"; do
        [[ $path =~ [[:space:]\;\{\}\"\'\|\$] ]] \
            && die "\"$path\": blanks and ;{}\"'|\$ do not fit into nginx.conf"
    done

    path=$run/redis.sock
    ((${#path} < 108)) \
        || die "\"$path\" is too long for a unix socket: choose a RUN_DIR" \
               "of less than 97 bytes"

    running && die "already running in $run: \"make stop\" ends it"

    for name in PORT INTERNAL_PORT; do
        value=${!name}
        if (exec 3<>"/dev/tcp/127.0.0.1/$value") 2>/dev/null; then
            die "port $value is in use: set $name to a free one"
        fi
    done
}

start_redis() {
    local i
    cat > "$run/redis.conf" <<END
# written by conf/run.sh
include $root/conf/redis.conf
dir $run/data
unixsocket $run/redis.sock
pidfile $run/redis.pid
logfile $run/redis.log
END

    # left by a Redis that was killed during a rewrite
    rm -f "$run"/data/temp-*.aof

    "$REDIS_BIN" "$run/redis.conf" >> "$run/redis.log" 2>&1 \
        || die "Redis does not start: see $run/redis.log"

    for ((i = 0; i < 100; i++)); do
        [ -S "$run/redis.sock" ] && mine redis >/dev/null && return
        sleep 0.1
    done
    die "Redis does not come up: see $run/redis.log"
}

start_worker() {
    (
        cd "$run" || exit 1
        exec setsid "$build/leaseloft-worker" --redis "$redis" \
            >> "$run/worker-$1.log" 2>&1 < /dev/null
    ) &
    echo $! > "$run/worker-$1.pid"
    disown
}

# replaces the @NAMES@ of conf/nginx.conf
configure_nginx() {
    local user nofile resolver=

    # as root, nginx would run its workers as a user who may have no access to
    # RUN_DIR
    [ "$(id -u)" != 0 ] || user="user root;"

    nofile=$(ulimit -Hn)
    [[ $nofile =~ ^[0-9]+$ ]] && ((nofile < 65536)) || nofile=65536

    # for a REDIS_URL with a host name
    if [ -n "$REDIS_URL" ]; then
        resolver=$(awk '$1 == "nameserver" && $2 !~ /:/ { print $2; exit }' \
                       /etc/resolv.conf 2>/dev/null)
        resolver=${resolver:+resolver $resolver;}
    fi

    mkdir -p "$run/leaseloft" "$run/tmp"
    cp conf/leaseloft/*.conf "$run/leaseloft/"

    sed -e "s|@MODULE@|$build/ngx_leaseloft_module.so|" \
        -e "s|@USER@|$user|" \
        -e "s|@NGINX_WORKERS@|$NGINX_WORKERS|" \
        -e "s|@NOFILE@|$nofile|" \
        -e "s|@CONNECTIONS@|$((nofile - 100))|" \
        -e "s|@REDIS@|${redis//&/\\&}|" \
        -e "s|@PREFIX@|${LEASELOFT_PREFIX:-ll}|" \
        -e "s|@RESOLVER@|$resolver|" \
        -e "s|@RUN_DIR@|$run|" \
        -e "s|@ROOT@|$root|" \
        -e "s|@PORT@|$PORT|" \
        -e "s|@INTERNAL_PORT@|$INTERNAL_PORT|" \
        conf/nginx.conf > "$run/nginx.conf"

    [ -e /proc/net/if_inet6 ] || sed -i '/listen \[::\]/d' "$run/nginx.conf"
}

start_nginx() {
    configure_nginx

    "$NGINX_BIN" -p "$run" -e "$run/nginx-error.log" -c "$run/nginx.conf" \
        || die "nginx does not start: see $run/nginx-error.log"
}

wait_healthy() {
    local i
    for ((i = 0; i < 150; i++)); do
        curl -s -f -o /dev/null --max-time 2 "$internal/health" && return
        sleep 0.2
    done

    say "what /internal/health says:" >&2
    curl -s --max-time 2 "$internal/health" >&2
    echo >&2
    tail -n 5 "$run"/worker-*.log "$run/nginx-error.log" >&2
    die "not healthy after 30 seconds: logs are in $run"
}

put_leases() {
    local file property
    for file in conf/demo/*.json; do
        property=$(basename "$file" .json)
        curl -s -S -f -o /dev/null --max-time 10 -X PUT \
            -H 'Content-Type: application/json' --data-binary @"$file" \
            "$internal/properties/$property/lease" \
            || die "the demo lease of $property was refused"
    done
}

# link USER NAME WHAT
link() {
    local token
    token=$("$build/leaseloft" token --sub "$1" --name "$2" --ttl 2592000 \
            --key "$run/token.key") || die "no token for $1"
    printf '  %-5s %s\n        http://localhost:%s/#token=%s\n' \
        "$2" "$3" "$PORT" "$token"
}

start() {
    local i

    check

    umask 077
    mkdir -p "$run/data" || die "cannot make $run: set RUN_DIR"
    rm -f "$run"/*.pid
    : > "$run/nginx-error.log"

    if [ ! -s "$run/token.key" ]; then
        head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' \
            > "$run/token.key"
    fi

    if [ ! -s "$run/record.key" ]; then
        (umask 077
         openssl genpkey -algorithm ed25519 -out "$run/record.key") \
            || die "no key for records"
    fi

    # a failure from here on stops everything
    trap 'stop' EXIT

    redis=${REDIS_URL:-unix:$run/redis.sock}
    [ -n "$REDIS_URL" ] || start_redis

    for ((i = 1; i <= LEASELOFT_WORKERS; i++)); do
        start_worker "$i"
    done

    start_nginx
    wait_healthy
    put_leases

    say "up at http://localhost:$PORT/, health and metrics at $internal/"
    echo
    echo "Sign in as (one browser each, or one of them in a private window):"
    echo
    link u-lena Lena "landlord of 12 Elm St, Unit 3"
    link u-tom  Tom  "tenant there"
    link u-ana  Ana  "tenant there"
    link u-omar Omar "landlord of 4 Oak Ave"
    link u-mia  Mia  "tenant there"
    echo
}


case $1 in

start)
    trap 'exit 130' INT TERM HUP
    start
    trap - EXIT
    say "\"make stop\" ends it"
    ;;

run)
    parent=$PPID
    trap 'exit 130' INT TERM HUP
    start
    say "Ctrl-C ends it"
    trap 'interrupted=yes' INT TERM HUP

    # make may be killed without a signal to this script
    while [ -z "$interrupted" ] && [ -d "/proc/$parent" ]; do
        sleep 1 &
        wait $!
    done

    trap '' INT TERM HUP
    echo
    say "stopping"
    trap - EXIT
    stop
    say "stopped"
    ;;

stop)
    if running; then
        stop
        say "stopped"
    else
        say "not running in $run"
    fi
    ;;

*)
    die "usage: run.sh run | start | stop"
    ;;

esac
