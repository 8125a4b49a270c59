#!/usr/bin/env bash
# clang-tidy over the program's sources: tidy.sh [--build DIR] [--all]
# By default only files that do not include Asio: the others take most of the time and are checked with --all.
# A file that passed is not checked again until it, a header that it includes, .clang-tidy or clang-tidy itself
# changes: passes are kept by content in the cache folder, for every clone alike.
set -euo pipefail
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.."
build=build/asan all=0
while [ $# -gt 0 ]; do
    case "$1" in
    --build) build=$2 && shift ;;
    --all) all=1 ;;
    *) echo "tidy.sh [--build DIR] [--all]" >&2 && exit 2 ;;
    esac
    shift
done
passes=${XDG_CACHE_HOME:-$HOME/.cache}/zhida/tidy
mkdir -p "$passes"
tools=$(cat .clang-tidy <(clang-tidy-19 --version) | sha256sum)

# One line for each object file: the source, whether it includes Asio, and the project's own files it was made of.
sources() {
    ninja -C "$build" -t deps | awk -v root="$PWD/" '
        function done() { if (source != "") print source "\t" asio "\t" own; source = own = ""; asio = 0 }
        /^[^ ]/ { done(); next }
        /^ / {
            path = $1
            if (path ~ /boost\/asio/) asio = 1
            sub(/^(\.\.\/)+/, "", path)
            if (index(path, root) == 1) path = substr(path, length(root) + 1)
            if (path ~ /^(common|matching|services)\//) {
                if (source == "") source = path
                own = own " " path
            }
        }
        END { done() }'
}

check() { # SOURCE KEY
    local said
    if said=$(clang-tidy-19 -p "$build" --quiet "$1" 2>&1); then
        touch "$passes/$2"
    else
        printf '%s\n' "$said" | grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter'
        return 1
    fi
}
export -f check
export build passes

total=0 wanted=()
while IFS=$'\t' read -r source asio own; do
    case "$source" in *.cpp) ;; *) continue ;; esac
    [ "$all" = 1 ] || [ "$asio" = 0 ] || continue
    total=$((total + 1))
    # shellcheck disable=SC2086 # own: a list of file names of ours, none with a space
    key=$({ echo "$tools" && sha256sum $own; } | sha256sum | cut -d ' ' -f 1)
    if [ ! -e "$passes/$key" ]; then wanted+=("$source" "$key"); fi
done < <(sources | sort -u)
if [ "$total" = 0 ]; then
    echo "tidy.sh: $build has no built objects: build it first" >&2
    exit 1
fi
echo "clang-tidy: $total files, $((${#wanted[@]} / 2)) to check"
[ ${#wanted[@]} -gt 0 ] || exit 0
# shellcheck disable=SC2016 # $1 and $2 belong to the inner shell
printf '%s\0' "${wanted[@]}" | xargs -0 -n 2 -P "$(nproc)" bash -c 'check "$1" "$2"' _
