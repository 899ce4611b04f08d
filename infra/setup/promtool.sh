#!/usr/bin/env bash
# Builds Prometheus' promtool into .make/bin, with which tests/unit/infra/test_alerts.py checks configuration, alerts and dashboards.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .make/bin
[ -x .make/bin/promtool ] || CGO_ENABLED=0 GOBIN="$PWD/.make/bin" go install github.com/prometheus/prometheus/cmd/promtool@v0.316.0
