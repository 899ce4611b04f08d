"""The help names every command without loading any, and errors end in a sentence and a code."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pantile.cli.app import PantileGroup, main
from pantile.cli.segmenters import read_card
from pantile.domain.errors import CardRefused
from pantile.domain.segmenters import parse_card

HEAVY = ("fastapi", "celery", "boto3", "torch", "sqlalchemy", "pydantic", "httpx", "numpy")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_help_loads_nothing_heavy() -> None:
    code = f"import sys, pantile.cli.app; sys.exit(str([name for name in {HEAVY} if name in sys.modules] or ''))"

    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert finished.stderr.strip() == ""


@pytest.mark.parametrize("name", [command.name for command in PantileGroup.lazy])
def test_each_command_of_the_table_can_be_loaded(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--help") == 0
    assert f"pantile {name}" in capsys.readouterr().out


def test_the_help_names_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0

    shown = capsys.readouterr().out
    assert all(command.name in shown for command in PantileGroup.lazy)


def test_a_mistyped_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sumbit") == 2
    assert "submit" in capsys.readouterr().err


def test_without_a_pantile_a_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PANTILE_HOME", str(tmp_path))
    monkeypatch.delenv("PANTILE_API_URL", raising=False)

    assert run("cohorts", "list") == 2
    assert "start one with `pantile up`" in capsys.readouterr().err


def test_a_service_that_is_down_has_a_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cohorts", "list", "--api", "http://127.0.0.1:1") == 3
    assert "does not answer" in capsys.readouterr().err


def test_a_setting_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PANTILE_WEB_PORT", "eighty")

    assert run("settings") == 2
    assert "PANTILE_WEB_PORT" in capsys.readouterr().err


def test_settings_hide_secrets(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PANTILE_DATABASE_URL", "postgresql://pantile:geheim@host/pantile")

    assert run("settings") == 0
    shown = capsys.readouterr().out
    assert "(hidden)" in shown
    assert "geheim" not in shown


def test_a_part_that_is_not_installed_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load() -> Any:
        raise ModuleNotFoundError(name="torch")

    worker = next(command for command in PantileGroup.lazy if command.name == "worker")
    absent = type(worker)(name=worker.name, help=worker.help, panel=worker.panel, load=load)
    monkeypatch.setattr(PantileGroup, "lazy", (absent,))

    assert run("worker", "segment") == 2
    assert "pip install 'pantile[worker]'" in capsys.readouterr().err


def test_shipped_cards_are_known_by_name() -> None:
    assert parse_card(read_card("lung")).name == "lung"


def test_an_unknown_card_is_answered_with_the_known_ones() -> None:
    with pytest.raises(CardRefused, match="lung"):
        read_card("liver")
