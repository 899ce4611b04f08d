"""Every command that the documentation writes is one that the command line takes, and every link leads somewhere."""

import re
import shlex
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from pantile.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`(pantile [^`]+)`")
_LINE = re.compile(r"^(?:\$ |[A-Z_]+=\S* |export \w+=\$\()?(?:docker compose exec (?:-T )?\w+ )?(pantile .+)$")
_PLACEHOLDER = re.compile(r"^[A-Z][A-Z_]*$")
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]+)?\)")


def written(page: Path) -> Iterator[str]:
    """The commands of a page: in code of a line's length, and within sentences."""
    text = page.read_text("utf-8")
    for block in _FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if (found := _LINE.match(line.strip())) and " / " not in line:
                yield found.group(1).rstrip(")")
    for span in _SPAN.findall(_FENCE.sub("", text)):
        yield " ".join(span.split())


COMMANDS = [(page, command) for page in PAGES for command in dict.fromkeys(written(page))]


# Typer brings a click of its own, of which this is the one way to the class of error.
REFUSED: type[Exception] = typer.BadParameter.__mro__[1]


def spelled_out(command: str) -> list[list[str]]:
    """The arguments, once for each choice in `a|b`; what stands for something is a 1, which is a word and a number."""
    words = shlex.split(command.split(" | ", maxsplit=1)[0].split(" > ", maxsplit=1)[0], comments=True)[1:]
    kept = [word.strip("[]") for word in words if word not in {"…", "...", "&&"}]
    choices = [word.split("|") if re.fullmatch(r"[\w|-]+", word) else [word] for word in kept]
    return [["1" if _PLACEHOLDER.match(word) else word for word in chosen] for chosen in product(*choices)]


def parse(arguments: list[str]) -> None:
    """Parses as the command line does, without running anything; what a sentence leaves out is no error.

    Raises:
        AssertionError: there is no such command, option or value.
    """
    command: Any = get_command(app)
    context: Any = None
    name: str | None = "pantile"
    while True:
        try:
            context = command.make_context(name, list(arguments), parent=context)
            if not isinstance(command, TyperGroup):
                return
            arguments = [*context._protected_args, *context.args]
            name, command, arguments = command.resolve_command(context, arguments)
        except typer.Exit:
            return  # as after --version
        except REFUSED as error:
            if type(error).__name__ in {"MissingParameter", "NoArgsIsHelpError"} or "does not exist" in str(error):
                return  # left out, or a file of the reader's
            raise AssertionError(str(error)) from error


@pytest.mark.parametrize(
    ("written_in", "command"), COMMANDS, ids=[f"{page.stem}: {command}" for page, command in COMMANDS]
)
def test_a_command_is_one_that_there_is(written_in: Path, command: str) -> None:
    for arguments in spelled_out(command):
        parse(arguments)


@pytest.mark.parametrize(
    "command",
    [
        "pantile jbos list",
        "pantile jobs lst",
        "pantile jobs list --cuhort C",
        "pantile jobs show x y",
        "pantile up --x",
    ],
)
def test_a_command_that_there_is_not_is_noticed(command: str) -> None:
    with pytest.raises(AssertionError):
        parse(command.split()[1:])


def test_the_documentation_has_commands() -> None:
    assert len(COMMANDS) > 50


@pytest.mark.parametrize("path", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_documentation_lead_somewhere(path: Path) -> None:
    for target, _ in _LINK.findall(_FENCE.sub("", path.read_text("utf-8"))):
        if "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), target


def test_every_page_is_in_the_list() -> None:
    listed = (ROOT / "docs" / "README.md").read_text("utf-8")
    decided = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")

    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in listed, page.name
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        assert page.name == "README.md" or decided.count(f"({page.name})") == 1, page.name


def test_decisions_are_listed_in_order_under_numbers_of_their_own() -> None:
    lines = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8").splitlines()
    listed = [re.match(r"- \[(\d{4}) .+\]\((\d{4})-[\w-]+\.md\)$", line) for line in lines if line.startswith("- ")]
    numbers = [found.group(1) for found in listed if found]

    assert all(listed)
    assert numbers == sorted(set(numbers))
    assert all(found.group(1) == found.group(2) for found in listed if found)
