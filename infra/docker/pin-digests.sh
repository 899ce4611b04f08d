#!/usr/bin/env bash
# Writes the digest of each pinned tag beside it, in docker-compose.yml and the Dockerfiles: NAME:TAG@sha256:…
# Run it where the registry can be reached, after changing a tag or to take a rebuilt one; needs docker with buildx,
# or crane. All digests are asked for before any file is changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
files=(docker-compose.yml infra/docker/*.Dockerfile infra/docker/*/Dockerfile)

if command -v crane > /dev/null; then
    digest() { crane digest "$1"; }
elif docker buildx version > /dev/null 2>&1; then
    digest() { docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$1"; }
else
    echo "Needs crane, or docker with the buildx plugin." >&2
    exit 1
fi

name='[a-z0-9./-]+:[A-Za-z0-9._-]+'
pinned='(@sha256:[0-9a-f]{64})?'
images=$(sed -nE "s#^ *image: ($name)$pinned\$#\1#p; s#^FROM ($name)$pinned( AS [a-z]+)?\$#\1#p" "${files[@]}" \
    | grep -v '^pantile-' | sort -u)

edits=()
while read -r image; do
    found=$(digest "$image")
    [[ $found =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "No digest for $image: $found" >&2; exit 1; }
    edits+=(-e "s#((image:|FROM) ${image//./\\.})$pinned( AS [a-z]+)?\$#\1@$found\4#")
    echo "$image@$found"
done <<< "$images"
sed -i.bak -E "${edits[@]}" "${files[@]}"
rm -f "${files[@]/%/.bak}"
