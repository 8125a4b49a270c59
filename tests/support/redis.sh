#!/usr/bin/env bash
# A real redis-server for tests, on a free port of 127.0.0.1.
#   redis.sh start DIR [OWNER]   prints url=redis://127.0.0.1:PORT/0 once it answers. Data, log, pid and port are
#                                in DIR; started again in the same DIR it has the same port and data. Where
#                                OWNER (a pid) is given, the server is stopped when that process ends.
#   redis.sh stop DIR            stops it; DIR stays. `redis.sh kill DIR` stops it without a warning.
set -euo pipefail
script=$(readlink -f "${BASH_SOURCE[0]}")
# shellcheck source=tests/support/server_lib.sh
source "${script%/*}/server_lib.sh"

usage() { die "usage: redis.sh start|stop|kill DIR [OWNER]"; }

# True once it answers PING (while it loads its data it answers -LOADING).
ready() {
    local answer
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'PING\r\n' >&3
    IFS= read -r -t 2 answer <&3 || answer=
    exec 3<&- 3>&-
    [[ $answer == +PONG* ]]
}

start() {
    local dir=$1 owner=$2 port pid
    command -v redis-server >/dev/null || die "redis-server is not installed: apt-get install redis-server"
    mkdir -p "$dir"
    dir=$(readlink -f "$dir")
    if running "$dir" redis-server >/dev/null; then
        echo "url=redis://127.0.0.1:$(<"$dir/port")/0"
        return
    fi
    [[ ! -s $dir/port ]] || wait_until_free "$(<"$dir/port")"
    for _ in {1..10}; do
        port=$(if [[ -s $dir/port ]]; then cat "$dir/port"; else free_port; fi)
        redis-server --port "$port" --bind 127.0.0.1 --dir "$dir" --appendonly yes \
            --hash-max-listpack-entries 512 --hash-max-listpack-value 2048 \
            --rdbcompression no --auto-aof-rewrite-min-size 512mb \
            </dev/null >>"$dir/log" 2>&1 &
        pid=$!
        disown
        for ((i = 0; i < 600; ++i)); do
            kill -0 "$pid" 2>/dev/null || break
            if ready "$port" 2>/dev/null; then
                echo "$pid" >"$dir/pid"
                echo "$port" >"$dir/port"
                if [[ -n $owner ]]; then stop_with_owner "$dir" "$owner" "$script"; fi
                echo "url=redis://127.0.0.1:$port/0"
                return
            fi
            sleep 0.05
        done
        kill -9 "$pid" 2>/dev/null || true
        # Somebody else took the port in between: another one, unless it has to be this one.
        [[ ! -s $dir/port ]] || break
    done
    tail -n 20 "$dir/log" >&2
    die "redis-server did not start; its log is above and in $dir/log"
}

case "${1-} $#" in
"start 2") start "$2" "" ;;
"start 3") start "$2" "$3" ;;
"stop 2") stop_server "$2" redis-server 20 ;;
"kill 2") if pid=$(running "$2" redis-server); then kill -9 "$pid" && stop_server "$2" redis-server 5; fi ;;
*) usage ;;
esac
