# shellcheck shell=bash
# What redis.sh, kafka.sh and smsgate.sh share: ports, pid files, waiting, stopping. To be sourced.

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# True where something listens on the port of this machine.
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port on which nothing listens, below the range from which the kernel gives out its own.
free_port() {
    local port
    for _ in {1..200}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        listening "$port" || { echo "$port"; return; }
    done
    die "found no free port from 20000 to 31999: stop what listens there"
}

# A killed server's port is free a moment after the process is gone; starting again on it waits for that.
wait_until_free() {
    for _ in {1..200}; do
        listening "$1" || return 0
        sleep 0.05
    done
    die "port $1 is taken by another process: stop it, or remove the folder to start afresh"
}

# Pid of the server of a folder, if it is alive and still what it was: a stale pid file may name a stranger.
#   running DIR WORD     WORD: a part of its command line
running() {
    local pid
    [[ -s $1/pid ]] || return 1
    pid=$(<"$1/pid")
    [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
    [[ $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) == *"$2"* ]] || return 1
    echo "$pid"
}

# stop_server DIR WORD SECONDS: asks, waits, then kills.
stop_server() {
    local pid
    if pid=$(running "$1" "$2"); then
        kill "$pid" 2>/dev/null || true
        for ((i = 0; i < $3 * 20; ++i)); do
            running "$1" "$2" >/dev/null || break
            sleep 0.05
        done
        if running "$1" "$2" >/dev/null; then kill -9 "$pid" 2>/dev/null || true; fi
        while running "$1" "$2" >/dev/null; do sleep 0.05; done
    fi
    rm -f "$1/pid"
}

# stop_with_owner DIR PID SCRIPT: when that process has ended, however it ended, SCRIPT stops the server.
stop_with_owner() {
    local dir=$1 owner=$2 script=$3
    (
        server=$(<"$dir/pid")
        # A server that was stopped and started again has a watcher of its own.
        while kill -0 "$owner" 2>/dev/null && kill -0 "$server" 2>/dev/null; do sleep 1; done
        if [[ -s $dir/pid && $(<"$dir/pid") == "$server" ]]; then exec "$script" stop "$dir"; fi
    ) </dev/null >/dev/null 2>&1 &
    disown
}
