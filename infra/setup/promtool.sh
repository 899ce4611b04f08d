#!/usr/bin/env bash
# Puts Prometheus' promtool into .make/bin, with which tests/unit/infra/test_alerts.py checks configuration, alerts and dashboards: builds
# that of the Prometheus which compose runs, or takes Debian's older one (`promtool.sh debian`), which is a matter of seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .make/bin
if [ -x .make/bin/promtool ]; then exit 0; fi
if [ "${1:-}" != debian ]; then
    CGO_ENABLED=0 GOBIN="$PWD/.make/bin" go install github.com/prometheus/prometheus/cmd/promtool@v0.316.0
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
# Taken out of its package, since installing that starts a server.
(cd "$folder" && { apt-get -qq download prometheus || { apt-get -qq update && apt-get -qq download prometheus; }; })
dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -xO ./usr/bin/promtool > "$folder/promtool"
install "$folder/promtool" .make/bin/promtool
