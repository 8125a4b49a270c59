# shellcheck shell=bash
# Benchmarks that compare Zhida with other programs, sourced by zhida.sh: the bench writes what the peers need into a
# folder, then NAME.mjs lets them do the same.
# shellcheck disable=SC2154 # home: set by zhida.sh

run_with_peers() { # NAME [NUMBER]...
    local program="$home/build/release/tests/bench_$1" peers="$home/tests/bench/peers"
    if ! (need bench && install_node_packages "$peers" "the peers"); then
        say "bench $1: the peers could not be installed, so Zhida is measured alone"
        exec "$program" "${@:2}"
    fi
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    "$program" "${@:2}" "$folder"
    node "$peers/$1.mjs" "$folder"
}
