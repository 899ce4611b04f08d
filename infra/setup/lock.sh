#!/usr/bin/env bash
# Renews the lock files in requirements/: versions and hashes, no download addresses. Run by `make lock`.
set -euo pipefail
cd "$(dirname "$0")/../.."
uv=${UV:-$PWD/.venv/bin/uv}

# torch, torchvision and what only their CUDA builds need are locked apart, so that install.sh can choose the build.
gpu_only=(torch torchvision triton cuda-bindings cuda-pathfinder cuda-toolkit)
while read -r name; do gpu_only+=("$name"); done < <(
    "$uv" pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-header -q "$@" \
        | grep -oE '^nvidia-[a-z0-9-]+' | grep -vx nvidia-ml-py | sort -u)

lock() { # OUTPUT ARGUMENT...
    local output=$1
    shift
    "$uv" pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-header --no-annotate -q -o "$output" "$@"
}
without_torch=()
for name in "${gpu_only[@]}"; do without_torch+=(--no-emit-package "$name"); done

lock requirements/dev.txt --all-extras "${without_torch[@]}" "$@"
# Evaluate workers make reports, by the extra `analysis`.
lock requirements/worker.txt --extra worker --extra analysis -c requirements/dev.txt "${without_torch[@]}"
lock requirements/web.txt --extra tracing -c requirements/dev.txt
everything=$(mktemp)
trap 'rm -f "$everything"' EXIT
lock "$everything" --extra worker -c requirements/dev.txt
python3 - "$everything" "${gpu_only[@]}" > requirements/torch.txt <<'PYTHON'
import re, sys
names = set(sys.argv[2:])
for block in re.split(r"\n(?=[a-z])", open(sys.argv[1]).read().strip()):
    if re.match(r"[a-z0-9-]+", block)[0] in names:
        print(block)
PYTHON
