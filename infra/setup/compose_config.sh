#!/usr/bin/env bash
# Builds into .make/bin what loads docker-compose.yml as compose does, for tests/unit/infra/test_compose.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .make/bin
CGO_ENABLED=0 go build -C infra/setup/compose_config -trimpath -buildvcs=false -o "$PWD/.make/bin/compose_config" .
