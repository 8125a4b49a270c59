#!/usr/bin/env bash
# A real Apache Kafka for tests: one node, broker and controller in one (KRaft), on free ports of 127.0.0.1.
#   kafka.sh start DIR [OWNER]   prints brokers=127.0.0.1:PORT once it serves. Data, log, pid and ports are in
#                                DIR; started again in the same DIR it has the same ports and data. Where OWNER
#                                (a pid) is given, the broker is stopped when that process ends.
#   kafka.sh stop DIR            stops it; DIR stays. `kafka.sh kill DIR` stops it without a warning.
#   kafka.sh fetch               only makes sure that Kafka is there
# Kafka comes from a local installation named by ZHIDA_KAFKA_HOME (its libs/ is used), else by Maven, once, into
# ZHIDA_KAFKA_CACHE (default: $HOME/.cache/zhida/kafka-4.1.0).
set -euo pipefail
script=$(readlink -f "${BASH_SOURCE[0]}")
# shellcheck source=tests/support/server_lib.sh
source "${script%/*}/server_lib.sh"

version=4.1.0
usage() { die "usage: kafka.sh start|stop|kill DIR [OWNER], or kafka.sh fetch"; }

# Prints the folder with the jars.
jars() {
    if [[ -n ${ZHIDA_KAFKA_HOME-} ]]; then
        [[ -d $ZHIDA_KAFKA_HOME/libs ]] || die "ZHIDA_KAFKA_HOME=$ZHIDA_KAFKA_HOME has no folder libs"
        echo "$ZHIDA_KAFKA_HOME/libs"
        return
    fi
    local cache=${ZHIDA_KAFKA_CACHE:-$HOME/.cache/zhida/kafka-$version}
    if [[ ! -d $cache ]]; then
        command -v mvn >/dev/null || die "Maven is not installed: apt-get install maven, or set ZHIDA_KAFKA_HOME"
        mkdir -p "${cache%/*}"
        (
            flock 9 # several tests may ask at once
            if [[ ! -d $cache ]]; then
                rm -rf "$cache.part"
                mvn -q -B -f "${script%/*}/kafka/pom.xml" dependency:copy-dependencies \
                    -DoutputDirectory="$cache.part" >&2 ||
                    die "Maven could not get Kafka $version: check the network, or set ZHIDA_KAFKA_HOME"
                mv "$cache.part" "$cache"
            fi
        ) 9>"$cache.lock"
    fi
    echo "$cache"
}

# Becomes Java: to be called in a subshell.
kafka_java() {
    local libs=$1
    shift
    exec java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.showDateTime=true \
        -cp "$libs/*" "$@"
}

# settings DIR BROKER_PORT CONTROLLER_PORT
settings() {
    cat <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$3
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3
advertised.listeners=PLAINTEXT://127.0.0.1:$2
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$1/data
auto.create.topics.enable=false
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
END
}

# start_on DIR LIBS: false where the broker ended or did not come up.
start_on() {
    local dir=$1 libs=$2 port pid id
    port=$(<"$dir/port")
    wait_until_free "$port"
    settings "$dir" "$port" "$(<"$dir/controller_port")" >"$dir/server.properties"
    if [[ ! -e $dir/data/meta.properties ]]; then
        id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' | sed 's/^-/A/')
        (kafka_java "$libs" kafka.tools.StorageTool format --cluster-id "$id" \
            --config "$dir/server.properties") >>"$dir/log" 2>&1 || return 1
    fi
    kafka_java "$libs" kafka.Kafka "$dir/server.properties" </dev/null >>"$dir/log" 2>&1 &
    pid=$!
    disown
    for ((i = 0; i < 1200; ++i)); do
        kill -0 "$pid" 2>/dev/null || return 1
        if listening "$port"; then
            echo "$pid" >"$dir/pid"
            return 0
        fi
        sleep 0.05
    done
    kill -9 "$pid" 2>/dev/null || true
    return 1
}

start() {
    local dir=$1 owner=$2 libs fixed=no
    command -v java >/dev/null || die "Java is not installed: apt-get install default-jre-headless"
    libs=$(jars)
    mkdir -p "$dir"
    dir=$(readlink -f "$dir")
    if ! running "$dir" "$dir/server.properties" >/dev/null; then
        [[ ! -s $dir/port ]] || fixed=yes
        for _ in {1..5}; do
            if [[ $fixed == no ]]; then
                free_port >"$dir/port"
                free_port >"$dir/controller_port"
                rm -rf "$dir/data"
            fi
            if start_on "$dir" "$libs"; then break; fi
            [[ $fixed == no ]] || break
        done
        running "$dir" "$dir/server.properties" >/dev/null || {
            tail -n 40 "$dir/log" >&2
            [[ $fixed == yes ]] || rm -f "$dir/port"
            die "Kafka did not start; the end of its log is above, all of it in $dir/log"
        }
        if [[ -n $owner ]]; then stop_with_owner "$dir" "$owner" "$script"; fi
    fi
    echo "brokers=127.0.0.1:$(<"$dir/port")"
}

# The command line of the broker names this file.
of() { echo "$(readlink -f "$1")/server.properties"; }

case "${1-} $#" in
"fetch 1") jars >/dev/null ;;
"start 2") start "$2" "" ;;
"start 3") start "$2" "$3" ;;
"stop 2") stop_server "$2" "$(of "$2")" 30 ;;
"kill 2") if pid=$(running "$2" "$(of "$2")"); then kill -9 "$pid" && stop_server "$2" "$(of "$2")" 5; fi ;;
*) usage ;;
esac
