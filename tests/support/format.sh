#!/usr/bin/env bash
# Source files in the form of .clang-format: format.sh [--check|--write]
set -euo pipefail
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.."
case "${1:---check}" in
--check) how=(--dry-run -Werror) ;;
--write) how=(-i) ;;
*)
    echo "format.sh [--check|--write]" >&2
    exit 2
    ;;
esac
find common matching services tests -name node_modules -prune -o \( -name '*.cpp' -o -name '*.hpp' \) -print0 |
    xargs -0 -r -n 16 -P "$(nproc)" clang-format-19 "${how[@]}"
