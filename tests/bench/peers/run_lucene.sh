#!/usr/bin/env bash
# Reverse matching by Lucene Monitor: run_lucene.sh ITEMS PROFILES [COUNT]...
# One JSON line for all items, or for each COUNT of them; the forms are told in lucene/LuceneMonitor.java.
# Its jars come by Maven, once, into ZHIDA_LUCENE_CACHE (default: $HOME/.cache/zhida/lucene-9.11.1).
set -euo pipefail
peers=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
die() {
    echo "run_lucene.sh: $*" >&2
    exit 1
}
[[ $# -ge 2 ]] || die "usage: run_lucene.sh ITEMS PROFILES [COUNT]..."
command -v javac >/dev/null || die "a JDK is not installed: apt-get install default-jdk-headless"

version=$(sed -n '/lucene-monitor/,/version/ s/ *<version>\(.*\)<\/version>/\1/p' "$peers/lucene/pom.xml")
jars=${ZHIDA_LUCENE_CACHE:-$HOME/.cache/zhida/lucene-$version}
if [[ ! -d $jars ]]; then
    command -v mvn >/dev/null || die "Maven is not installed: apt-get install maven"
    mkdir -p "${jars%/*}"
    rm -rf "$jars.part"
    mvn -q -B -f "$peers/lucene/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars.part" >&2 ||
        die "Maven could not get Lucene $version: check the network, or set ZHIDA_LUCENE_CACHE"
    mv "$jars.part" "$jars"
fi
exec java -Xmx4g -XX:+UseSerialGC -cp "$jars/*" "$peers/lucene/LuceneMonitor.java" "$@"
