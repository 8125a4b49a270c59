#!/usr/bin/env bash
# A CMPP gateway or SP that is not ours: SMSGate (https://github.com/Lihuanghe/SMSGate, Apache License 2.0).
#   smsgate.sh fetch      makes sure that it is there: false where it is not and cannot be got
#   smsgate.sh server|client WORD...   becomes it: tests/support/smsgate/Smsgate.java
# It comes by Maven, once, into ZHIDA_SMSGATE_CACHE (default: $HOME/.cache/zhida/smsgate-VERSION).
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=tests/support/server_lib.sh
source "$here/server_lib.sh"

version=$(sed -n '/sms-core/,/version/ s/ *<version>\(.*\)<\/version>/\1/p' "$here/smsgate/pom.xml")
jars=${ZHIDA_SMSGATE_CACHE:-$HOME/.cache/zhida/smsgate-$version}

fetch() {
    [[ ! -d $jars ]] || return 0
    command -v mvn >/dev/null || die "Maven is not installed: apt-get install maven, or set ZHIDA_SMSGATE_CACHE"
    mkdir -p "${jars%/*}"
    (
        flock 9 # several tests may ask at once
        if [[ ! -d $jars ]]; then
            rm -rf "$jars.part"
            mvn -q -B -f "$here/smsgate/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars.part" >&2 ||
                die "Maven could not get SMSGate $version: check the network, or set ZHIDA_SMSGATE_CACHE"
            mv "$jars.part" "$jars"
        fi
    ) 9>"$jars.lock"
}

case "${1-}" in
fetch)
    command -v java >/dev/null || die "Java is not installed: apt-get install default-jre-headless"
    fetch
    ;;
server | client)
    opens=()
    for package in lang math util util.concurrent net text nio; do
        opens+=(--add-opens "java.base/java.$package=ALL-UNNAMED")
    done
    # A runtime compiles one source file by itself.
    exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "${opens[@]}" -cp "$jars/*" \
        "$here/smsgate/Smsgate.java" "$@"
    ;;
*) die "usage: smsgate.sh fetch, or smsgate.sh server|client WORD..." ;;
esac
