#!/usr/bin/env bash
# Makes .venv with everything Pantile needs, from the lock files. Run by `make`; safe to run again.
# Where there is no NVIDIA GPU it asks for PyTorch's CPU builds first (about 0.2 GB instead of 3) and says what it took.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3}
"$python" - <<'PYTHON' || { echo "Pantile needs Python 3.11 to 3.14; name one with PYTHON=/path/to/python3." >&2; exit 1; }
import sys
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON
[ -x .venv/bin/python ] || "$python" -m venv .venv \
    || { echo "This Python cannot make virtual environments (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
uv="$PWD/.venv/bin/uv"
export VIRTUAL_ENV="$PWD/.venv" UV_LINK_MODE=${UV_LINK_MODE:-copy}

version() { grep -oE "^$1==[0-9.]+" requirements/torch.txt | head -1 | sed 's/.*==//'; }
torch="torch==$(version torch)"
torchvision="torchvision==$(version torchvision)"

installed() {
    .venv/bin/python - "$(version torch)" "$(version torchvision)" <<'PYTHON' 2> /dev/null
import importlib.metadata as m, sys
sys.exit([m.version(n).split("+")[0] for n in ("torch", "torchvision")] != sys.argv[1:])
PYTHON
}

echo "Installing Pantile's libraries into .venv (about 0.6 GB to download) ..."
"$uv" pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
if installed; then
    echo "PyTorch: $torch is already there."
elif command -v nvidia-smi > /dev/null && nvidia-smi > /dev/null 2>&1; then
    echo "PyTorch: NVIDIA GPU found; installing the CUDA builds (about 2.5 GB to download) ..."
    "$uv" pip install --quiet --no-deps --require-hashes -r requirements/torch.txt
elif UV_HTTP_RETRIES=1 "$uv" pip install --quiet --no-deps --torch-backend cpu "$torch" "$torchvision" 2> /dev/null; then
    echo "PyTorch: no NVIDIA GPU; took the CPU builds (about 0.2 GB)."
else
    echo "PyTorch: no NVIDIA GPU, and the CPU builds cannot be had from here;"
    echo "         taking the default builds instead (about 2.5 GB to download on Linux, 0.1 GB on macOS) ..."
    "$uv" pip install --quiet --no-deps --require-hashes -r requirements/torch.txt
fi
"$uv" pip install --quiet --no-deps --no-build-isolation -e .
.venv/bin/python -c 'import torch, torchvision' || { echo "PyTorch was installed but does not load; remove .venv and try again." >&2; exit 1; }
