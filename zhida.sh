#!/usr/bin/env bash
# The front door of Zhida on Debian 12: installs what is missing, builds what changed, and runs it.
# `./zhida.sh help` lists the words it knows; any other words go to the built program.
set -euo pipefail

home=$(dirname "$(realpath "${BASH_SOURCE[0]}")")

usage() {
    cat <<'TEXT'
./zhida.sh demo [--port P] [--data DIR] [--subjects N]   a whole Zhida with synthetic people, on this machine
./zhida.sh test [STEP...]   all checks, or some: format shell tidy unit fuzz integration e2e smpp sms_sdk wechat browser crash faults rebuild takeover
./zhida.sh build            only build (build/release/zhida)
./zhida.sh bench NAME       run tests/bench/NAME.cpp, and its peers: one JSON line per figure
./zhida.sh tidy             clang-tidy over every source file
./zhida.sh format           clang-format over every source file, in place
./zhida.sh WORDS...         build, then: zhida WORDS...   (./zhida.sh --help lists them)
TEXT
}

say() { printf '%s\n' "$*" >&2; }
die() {
    say "zhida.sh: $*"
    exit 1
}

# Runs a command with all its output in build/NAME.log and one line of progress on standard error; nothing is
# shown where it ends at once, and the end of the log where it fails.
quietly() { # NAME WHAT COMMAND...
    local name=$1 what=$2 log="$home/build/$1.log" began=$SECONDS ticks=0 at
    shift 2
    mkdir -p "$home/build"
    "$@" >"$log" 2>&1 </dev/null &
    local job=$!
    # A job in the background does not see Ctrl-C by itself.
    trap 'kill "$job" 2>/dev/null; wait "$job" 2>/dev/null; say "$what: interrupted"; exit 130' INT TERM
    while kill -0 "$job" 2>/dev/null; do
        sleep 0.1
        ticks=$((ticks + 1))
        [ $((ticks % 10)) = 0 ] || continue
        at=$(tail -c 4000 "$log" | grep -oE '^\[[0-9]+/[0-9]+\]' | tail -n 1) || at=
        if [ -t 2 ]; then
            printf '\r\033[K%s %s %ds' "$what" "$at" $((SECONDS - began)) >&2
        elif [ $ticks = 10 ] || [ $((ticks % 600)) = 0 ]; then
            say "$what $at (build/$name.log)"
        fi
    done
    trap - INT TERM
    local ended=0
    wait "$job" || ended=$?
    if [ -t 2 ] && [ $ticks -ge 10 ]; then printf '\r\033[K' >&2; fi
    if [ $ended != 0 ]; then
        say "$what failed. The end of build/$name.log:"
        grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Generating)' "$log" | tail -n 60 >&2
        exit 1
    fi
    [ $ticks -lt 10 ] || say "$what: done in $((SECONDS - began)) s"
}

# --- packages ----------------------------------------------------------------------------------------------

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -y -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
    "${apt[@]}" update
    # Installing redis-server must not leave a server on port 6379: the demonstration and the tests start their
    # own. Not started now (policy-rc.d), nor at the next boot (disable).
    local policy=/usr/sbin/policy-rc.d ours=0 ended=0
    case " $* " in *" redis-server "*) [ -e $policy ] || ours=1 ;; esac
    if [ $ours = 1 ]; then printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy; fi
    # PostgreSQL's packages make a database cluster of their own, which would run from then on.
    local no_cluster=/etc/postgresql-common/createcluster.d/zhida.conf
    case " $* " in
    *" postgresql-15 "*) mkdir -p "${no_cluster%/*}" && echo 'create_main_cluster = false' >$no_cluster ;;
    esac
    "${apt[@]}" install --no-install-recommends "$@" || ended=$?
    rm -f $no_cluster
    if [ $ours = 1 ]; then
        rm -f $policy
        update-rc.d redis-server disable || say "redis-server will start at the next boot: could not disable it"
    fi
    return $ended
}

# Makes sure that the packages of these groups (debian-packages.txt) are there.
need() { # GROUP...
    local when package word command wanted=() missing=()
    while read -r when package word command; do
        case " $* " in *" $when "*) ;; *) continue ;; esac
        if [ "$word" = unless ] && command -v "$command" >/dev/null; then continue; fi
        wanted+=("$package")
    done < <(grep -vE '^(#|$)' "$home/debian-packages.txt")
    command -v dpkg-query >/dev/null ||
        die "this is not Debian: install the equivalents of debian-packages.txt, then use cmake --preset release"
    mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
        <(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^ii //p' | sort -u))
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "packages are missing. As root: apt-get install --no-install-recommends ${missing[*]}"
    quietly packages "Installing ${#missing[@]} packages" install_packages "${missing[@]}"
}

# The packages of DIR/package-lock.json, once for each version of it.
install_node_packages() { # DIR WHAT
    local dir=$1 stamp
    stamp=$(sha256sum "$dir/package-lock.json" | cut -d ' ' -f 1)-$(node --version)
    [ "$(cat "$dir/node_modules/.stamp" 2>/dev/null)" != "$stamp" ] || return 0
    quietly npm "Installing $2" npm --prefix "$dir" ci --no-audit --no-fund --prefer-offline
    echo "$stamp" >"$dir/node_modules/.stamp"
}

# --- build -------------------------------------------------------------------------------------------------

# Clang needs up to 1 GB for a file with Beast in it: no more jobs than processors, nor than memory has room for.
jobs() {
    local by_memory
    by_memory=$(awk '/^MemAvailable/ { print int($2 / 1000000) }' /proc/meminfo)
    [ "$by_memory" -ge 1 ] || by_memory=1
    local all
    all=$(nproc)
    echo $((by_memory < all ? by_memory : all))
}

configure() { # PRESET
    local preset=$1 dir="$home/build/$1"
    # Another clone's objects serve this one too: paths below the clone are made relative.
    export CCACHE_DIR=${CCACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ccache}
    export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$home} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}
    # A folder that was configured elsewhere (a moved clone) or by an older preset is configured again.
    if [ -e "$dir/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$home" "$dir/CMakeCache.txt"; then
        rm -rf "$dir"
    fi
    if [ ! -e "$dir/build.ninja" ] || [ "$home/CMakePresets.json" -nt "$dir/build.ninja" ]; then
        quietly "configure-$preset" "Configuring $preset" cmake -S "$home" --preset "$preset"
    fi
}

build() { # PRESET TARGET...
    local preset=$1
    shift
    configure "$preset"
    quietly "$preset" "Building $preset" ninja -C "$home/build/$preset" -j "$(jobs)" "$@"
}

build_program() {
    need build run
    build release zhida
}

# --- words -------------------------------------------------------------------------------------------------

demo() {
    build_program
    case " $* " in
    *" --data "* | *" --data="*) ;;
    *) set -- "$@" --data "$home/data/demo" ;; # the same people from whatever folder it is called
    esac
    exec "$home/build/release/zhida" demo "$@"
}

bench() {
    local name=${1:-}
    if [ -z "$name" ] || [ ! -e "$home/tests/bench/$name.cpp" ]; then
        say "./zhida.sh bench NAME, one of:"
        find "$home/tests/bench" -maxdepth 1 -name '*.cpp' -exec basename {} .cpp \; 2>/dev/null | sort >&2
        exit 2
    fi
    shift
    need build run
    build release zhida "bench_$name"
    if [ -e "$home/tests/bench/peers/$name.mjs" ]; then
        # shellcheck source=tests/bench/peers/run.sh
        . "$home/tests/bench/peers/run.sh"
        run_with_peers "$name" "$@"
    else
        exec "$home/build/release/tests/bench_$name" "$@"
    fi
}

case "${1:-help}" in
help) usage ;;
demo) shift && demo "$@" ;;
build) build_program && say "build/release/zhida is up to date" ;;
bench) shift && bench "$@" ;;
test)
    shift
    # shellcheck source=tests/support/steps.sh
    . "$home/tests/support/steps.sh"
    run_steps "$@"
    ;;
tidy)
    need build run test
    build asan
    exec "$home/tests/support/tidy.sh" --all
    ;;
format)
    need test
    exec "$home/tests/support/format.sh" --write
    ;;
*)
    build_program
    exec "$home/build/release/zhida" "$@"
    ;;
esac
