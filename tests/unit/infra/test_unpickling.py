"""Nothing that comes from outside is run as code: no pickle is loaded anywhere, and messages are JSON."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from pantile.queue import make_celery
from pantile.settings import Settings

ROOT = Path(__file__).parents[3]
SOURCES = sorted(file for half in ("services", "workers", "infra") for file in (ROOT / half).rglob("*.py"))
LOADERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve"}
CALLS = {
    "eval",
    "exec",
    "joblib.load",
    "pandas.read_pickle",
    "torch.hub.load",
    "torch.jit.load",
    "torch.load",
    "torch.package.PackageImporter",
    "yaml.load",
    "yaml.unsafe_load",
}


def found(source: str) -> Iterator[str]:
    """What of all this a module imports, calls or switches on."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in LOADERS)
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (node.module for _ in [0] if node.module.partition(".")[0] in LOADERS)
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            # numpy refuses pickles unless it is told otherwise.
            yield "allow_pickle"
        if isinstance(node, ast.Call):
            first, _, rest = ast.unparse(node.func).partition(".")
            called = ".".join(part for part in (names.get(first, first), rest) if part)
            yield from (called for _ in [0] if called in CALLS)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import _pickle as p",
        "import torch\ntorch.load(f)",
        "import torch as t\nt.load(f)",
        "from torch import load\nload(f)",
        "import numpy as np\nnp.load(f, allow_pickle=True)",
        "eval(text)",
    ],
)
def test_what_unpickles_is_recognised(source: str) -> None:
    assert list(found(source))


def test_what_reads_without_running_is_not() -> None:
    assert not list(found("import pickletools\nimport numpy as np\npickletools.genops(f)\nnp.load(f)"))


def test_nothing_is_unpickled_not_even_by_the_importer() -> None:
    everywhere = {
        (file.relative_to(ROOT).as_posix(), name) for file in SOURCES for name in found(file.read_text("utf-8"))
    }

    assert len(SOURCES) > 100
    assert everywhere == set()


def test_messages_are_json_only() -> None:
    configuration = make_celery(Settings(broker_url=SecretStr("redis://127.0.0.1:1/0"))).conf

    assert configuration.accept_content == ["json"]
    assert {configuration.task_serializer, configuration.event_serializer} == {"json"}
