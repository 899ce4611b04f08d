#!/bin/sh
# Writes .env for docker-compose.yml from env.example, with a random secret wherever that leaves one empty.
# Readable by its owner only; one that is there already is left as it is. Another place: make-env.sh FILE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-$(cd "$here/../.." && pwd)/.env}

secret() { # 160 bits: 40 characters, the most that some S3 clients take
    od -A n -v -t x1 -N 20 /dev/urandom | tr -d ' \n'
}

if [ -e "$target" ]; then
    echo "$target is there already; left as it is."
    exit 0
fi
draft=$(mktemp "$target.XXXXXX") # mktemp's files are 0600
trap 'rm -f "$draft"' EXIT
while IFS= read -r line; do
    case $line in
        [A-Z]*=) printf '%s%s\n' "$line" "$(secret)" ;;
        *) printf '%s\n' "$line" ;;
    esac
done < "$here/env.example" > "$draft"
ln "$draft" "$target" # unlike mv, never over another
echo "Wrote $target with new secrets."
