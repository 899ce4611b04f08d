#!/usr/bin/env bash
# Puts helm into .make/bin, and what manifests are checked against into .make/schemas, by Go alone.
set -euo pipefail
cd "$(dirname "$0")/../.."

kubernetes=k8s.io/kubernetes@v1.33.0
keda=github.com/kedacore/keda/v2@v2.17.0
operator=github.com/prometheus-operator/prometheus-operator@v0.83.0

mkdir -p .make/bin .make/schemas
if [ ! -x .make/bin/helm ]; then
    echo "Building helm (some minutes) ..."
    CGO_ENABLED=0 GOBIN="$PWD/.make/bin" go install helm.sh/helm/v3/cmd/helm@v3.19.5
fi
folder() { (cd / && go mod download -json "$1") | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }
[ -e .make/schemas/kubernetes.json ] || cp "$(folder $kubernetes)/api/openapi-spec/swagger.json" .make/schemas/kubernetes.json
for kind in scaledobjects triggerauthentications; do
    [ -e .make/schemas/$kind.yaml ] || cp "$(folder $keda)/config/crd/bases/keda.sh_$kind.yaml" .make/schemas/$kind.yaml
done
for kind in servicemonitors prometheusrules; do
    [ -e .make/schemas/$kind.yaml ] \
        || cp "$(folder $operator)/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" .make/schemas/$kind.yaml
done
chmod -R u+w .make/schemas
