#!/usr/bin/env bash
# Every shell script of the project through shellcheck.
set -euo pipefail
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.."
find . \( -path ./build -o -path ./data -o -name node_modules -o -name .git \) -prune -o -type f -print0 |
    while IFS= read -r -d '' file; do
        case "$file" in
        *.sh) printf '%s\0' "$file" ;;
        *) IFS= read -r -n 40 first <"$file" 2>/dev/null && case "$first" in '#!'*sh) printf '%s\0' "$file" ;; esac ;;
        esac || true
    done | xargs -0 shellcheck -x
