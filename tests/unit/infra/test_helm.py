"""The Helm chart, rendered with several values: against Kubernetes' own schemas, the code, and our own rules."""

import json
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from pydantic import SecretStr
from typer.testing import CliRunner

from pantile.cli.app import app
from pantile.settings import Settings

ROOT = Path(__file__).parents[3]
HELM = ROOT / "infra" / "helm"
CHART = HELM / "pantile"
SCHEMAS = ROOT / ".make" / "schemas"
VALUES = sorted(path.stem for path in (HELM / "values").glob("*.yaml"))
DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
WORKERS = ("segment", "imaging", "evaluate")
NOT_SETTINGS = {"PANTILE_READY_FILE"}
SECRETS = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr}

Manifest = dict[str, Any]


def run_helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs helm from `.make/bin` or the PATH; skips, naming it, where there is none."""
    program = shutil.which("helm", path=f"{ROOT / '.make' / 'bin'}") or shutil.which("helm")
    if program is None:
        pytest.skip("needs helm (`make helm` builds it)")
    # A helm that is built from source thinks of an old Kubernetes.
    return subprocess.run(
        [program, *arguments, "--kube-version", "1.33.0"], capture_output=True, text=True, check=False
    )


@cache
def render(values: str, *settings: str) -> tuple[Manifest, ...]:
    """What the chart makes with one of the files of values, and with further settings."""
    further = [part for setting in settings for part in ("--set", setting)]
    file = str(HELM / "values" / f"{values}.yaml")
    made = run_helm("template", "pantile", str(CHART), "--namespace", "study", "--values", file, *further)
    assert made.returncode == 0, made.stderr
    return tuple(manifest for manifest in yaml.safe_load_all(made.stdout) if manifest)


def of_kind(values: str, *kinds: str) -> dict[str, Manifest]:
    """The manifests of some kinds by their part, such as web or segment."""
    return {
        manifest["metadata"]["labels"]["app.kubernetes.io/component"]: manifest
        for manifest in render(values)
        if manifest["kind"] in kinds
    }


def pods(values: str) -> dict[str, Manifest]:
    """The specs of all pods by their part."""
    made = of_kind(values, "Deployment", "StatefulSet", "Job")
    return {part: manifest["spec"]["template"]["spec"] for part, manifest in made.items()}


def containers(values: str) -> dict[str, Manifest]:
    """Each pod's one container by its part."""
    found = {}
    for part, pod in pods(values).items():
        (found[part],) = pod["containers"]
    return found


def ours(values: str) -> dict[str, Manifest]:
    """The containers that run a process of ours."""
    return {part: each for part, each in containers(values).items() if each.get("command", [""])[0] == "pantile"}


# What Kubernetes takes


@cache
def validators() -> dict[str, Any]:
    """A strict validator for each kind that the chart makes; skips, naming them, where the schemas are not there."""
    if not (SCHEMAS / "kubernetes.json").exists():
        pytest.skip("needs the schemas in .make/schemas (`make helm` fetches them)")
    definitions = json.loads((SCHEMAS / "kubernetes.json").read_text())["definitions"]
    for loose in ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "io.k8s.apimachinery.pkg.api.resource.Quantity"):
        definitions[loose] = {"type": ["string", "number"]}
    strict(definitions)
    found = {
        kind["kind"]: {"$ref": f"#/definitions/{name}", "definitions": definitions}
        for name, definition in definitions.items()
        for kind in definition.get("x-kubernetes-group-version-kind", [])
        if name.startswith("io.k8s.api.") and kind["version"] in {"v1", "v2"}
    }
    for path in SCHEMAS.glob("*.yaml"):
        custom = yaml.safe_load(path.read_text())["spec"]
        schema = custom["versions"][0]["schema"]["openAPIV3Schema"]
        schema["properties"]["metadata"] = {"type": "object"}
        strict(schema)
        found[custom["names"]["kind"]] = schema
    wanted = {manifest["kind"] for values in VALUES for manifest in render(values)}
    return {kind: jsonschema_rs.validator_for(found[kind]) for kind in wanted}


def strict(schema: object) -> None:
    """Refuses what a schema does not name, in place: Kubernetes only warns of a field with a typing error."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        for each in schema.values():
            strict(each)
    elif isinstance(schema, list):
        for each in schema:
            strict(each)


@pytest.mark.parametrize("values", VALUES)
def test_helm_finds_nothing_wrong(values: str) -> None:
    linted = run_helm("lint", "--strict", str(CHART), "--values", str(HELM / "values" / f"{values}.yaml"))

    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("values", VALUES)
def test_manifests_are_what_kubernetes_and_the_operators_take(values: str) -> None:
    for manifest in render(values):
        problems = [
            f"{manifest['kind']} {manifest['metadata']['name']}: {problem.instance_path}: {problem.message}"
            for problem in validators()[manifest["kind"]].iter_errors(manifest)
        ]
        assert problems == []


def test_a_field_with_a_typing_error_would_be_noticed() -> None:
    web = of_kind("plain", "Deployment")["web"]
    wrong = json.loads(json.dumps(web))
    wrong["spec"]["template"]["spec"]["containers"][0]["comand"] = ["pantile"]

    assert not validators()["Deployment"].is_valid(wrong)


@pytest.mark.parametrize("values", VALUES)
def test_names_are_given_once_and_fit(values: str) -> None:
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in render(values)]

    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 for _, name in names)


# What the code takes


@pytest.mark.parametrize("values", VALUES)
def test_commands_are_those_of_the_command_line(values: str) -> None:
    for container in ours(values).values():
        asked = CliRunner().invoke(app, [*container["command"][1:], "--help"])

        assert asked.exit_code == 0, asked.output


@pytest.mark.parametrize("values", VALUES)
def test_the_environment_is_of_settings_and_of_no_secret(values: str) -> None:
    known = {f"PANTILE_{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS
    for part, container in ours(values).items():
        names = [each["name"] for each in container["env"]]
        assert set(names) <= known, part
        assert len(set(names)) == len(names), part
        assert not {name for name in names if name.removeprefix("PANTILE_").lower() in SECRETS}, part


@pytest.mark.parametrize("values", VALUES)
def test_secrets_come_as_files_named_for_their_settings(values: str) -> None:
    known = {f"pantile_{name}" for name in Settings.model_fields}
    for part, pod in pods(values).items():
        for volume in pod.get("volumes", []):
            for source in volume.get("projected", {}).get("sources", []):
                for item in source["secret"]["items"]:
                    assert item["key"] == item["path"], part
                    assert item["key"] in known, part


def test_versions_are_the_projects() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"] == version


def test_alerts_and_dashboards_are_whole() -> None:
    (rules,) = of_kind("gpus", "PrometheusRule").values()
    (dashboards,) = of_kind("gpus", "ConfigMap").values()

    assert rules["spec"] == yaml.safe_load((CHART / "files" / "alerts.yml").read_text())
    assert dashboards["data"] == {
        path.name: path.read_text() for path in (CHART / "files" / "dashboards").glob("*.json")
    }


def test_each_value_is_told_in_the_docs() -> None:
    told = (ROOT / "docs" / "kubernetes.md").read_text()

    assert [name for name in DEFAULTS if f"`{name}" not in told] == []


# Starting and stopping


def test_migrations_run_before_the_new_version_and_after_bundled_servers() -> None:
    hooks = {values: of_kind(values, "Job")["migrate"]["metadata"]["annotations"]["helm.sh/hook"] for values in VALUES}

    assert hooks["gpus"] == hooks["plain"] == "pre-install,pre-upgrade"
    assert hooks["bundled"] == "post-install,pre-upgrade"


@pytest.mark.parametrize("values", VALUES)
def test_a_worker_is_told_to_stop_by_sigterm_and_killed_a_minute_after_its_drain_time(values: str) -> None:
    for part in WORKERS:
        if part not in pods(values):
            continue
        pod, container = pods(values)[part], containers(values)[part]
        drain_s = next(each["value"] for each in container["env"] if each["name"] == "PANTILE_DRAIN_S")
        assert pod["terminationGracePeriodSeconds"] == int(drain_s) + 60
        assert "lifecycle" not in container
        assert "livenessProbe" not in container
        assert "celery" not in json.dumps(container)
        assert of_kind(values, "PodDisruptionBudget")[part]["spec"]["maxUnavailable"]


def test_a_segment_worker_has_one_gpu_and_may_run_on_nodes_that_are_taken_away() -> None:
    container, pod = containers("gpus")["segment"], pods("gpus")["segment"]

    assert container["image"].endswith("-cuda")
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert {"name": "PANTILE_DEVICE", "value": "cuda"} in container["env"]
    assert {each["key"] for each in pod["tolerations"]} >= {"nvidia.com/gpu", "cloud.google.com/gke-spot"}
    assert "nvidia.com/gpu" not in json.dumps(containers("plain")["segment"])


def test_workers_scale_to_zero_by_the_catalog_and_by_nothing_else() -> None:
    scaled = of_kind("gpus", "ScaledObject")
    deployments = of_kind("gpus", "Deployment")
    autoscaled = of_kind("gpus", "HorizontalPodAutoscaler")

    assert scaled.keys() == set(WORKERS)
    assert autoscaled.keys() == {"web"}
    for part, manifest in scaled.items():
        (trigger,) = manifest["spec"]["triggers"]
        assert manifest["spec"]["minReplicaCount"] == 0
        assert trigger["type"] == "postgresql"
        assert "replicas" not in deployments[part]["spec"]
    assert scaled["segment"]["spec"]["maxReplicaCount"] == 200


def test_without_keda_workers_have_a_number() -> None:
    assert of_kind("plain", "ScaledObject", "TriggerAuthentication") == {}
    assert of_kind("plain", "Deployment")["segment"]["spec"]["replicas"] == 2


# Confinement


@pytest.mark.parametrize("values", VALUES)
def test_each_pod_is_confined(values: str) -> None:
    for part, pod in pods(values).items():
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False, part
        assert pod["securityContext"]["runAsNonRoot"] is True, part
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, part
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, part
        assert container["resources"]["limits"]["memory"], part
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, part
        assert any(mount["mountPath"] == "/tmp" for mount in container["volumeMounts"]), part  # noqa: S108


def reached(values: str) -> Iterator[tuple[str, Manifest]]:
    """What may reach which pods."""
    for manifest in render(values):
        if manifest["kind"] == "NetworkPolicy":
            labels = manifest["spec"]["podSelector"]["matchLabels"]
            yield labels.get("app.kubernetes.io/component", "all"), manifest["spec"]


def test_nothing_reaches_a_pod_but_what_is_named() -> None:
    policies = list(reached("gpus"))

    assert ("all", None) in [(part, spec.get("ingress")) for part, spec in policies]
    opened = {
        (part, port["port"]) for part, spec in policies for rule in spec.get("ingress", []) for port in rule["ports"]
    }
    assert opened == {("web", 8800), ("all", 9100)}
    assert all(rule.get("from") for _, spec in policies for rule in spec.get("ingress", []))


def test_bundled_servers_are_reached_by_us_only_but_for_presigned_addresses() -> None:
    opened = {part: spec["ingress"][0] for part, spec in reached("bundled") if part in {"postgres", "redis", "minio"}}

    assert {part for part, rule in opened.items() if "from" not in rule} == {"minio"}


def test_flower_and_metrics_have_no_way_in_from_outside() -> None:
    (ingress,) = of_kind("gpus", "Ingress").values()
    services = {
        path["backend"]["service"]["name"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]
    }

    assert services == {"pantile-web"}
    assert all(each["spec"].get("type", "ClusterIP") == "ClusterIP" for each in of_kind("gpus", "Service").values())


def test_a_chart_without_a_secret_says_what_it_needs() -> None:
    made = run_helm("template", str(CHART), "--set", "secret=")

    assert made.returncode != 0
    assert "the name of the Secret with the addresses and keys" in made.stderr
