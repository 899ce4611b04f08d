#!/usr/bin/env bash
# Looks the locked versions up in OSV, the database of known weaknesses. Run by `make audit`.
# Ends with 0 where none is known, 1 where one is, 2 where nothing could be looked up.
set -euo pipefail
cd "$(dirname "$0")/../.."
pip_audit=("${UV:-$PWD/.venv/bin/uv}" tool run --quiet --from pip-audit==2.10.0 pip-audit)

"${pip_audit[@]}" --version > /dev/null 2>&1 || { echo "pip-audit cannot be installed from here: nothing was looked up." >&2; exit 2; }
status=0
said=$("${pip_audit[@]}" --vulnerability-service osv --disable-pip --no-deps --progress-spinner off \
    -r requirements/dev.txt -r requirements/torch.txt 2>&1) || status=$?
if grep -qE '^(requests|urllib3|pip_audit)[A-Za-z_.]*(Error|Timeout)' <<< "$said"; then
    echo "OSV, the database of known weaknesses, cannot be reached from here: nothing was looked up." >&2
    exit 2
fi
echo "$said"
exit "$status"
