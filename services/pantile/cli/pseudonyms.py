"""`pantile pseudonym`, and what commands need that send pseudonyms in place of names."""

from typing import Annotated

import typer

from pantile.cli.reaching import read_settings
from pantile.cli.screen import say
from pantile.domain.errors import PseudonymImpossible
from pantile.domain.pseudonyms import SHORTEST_KEY, Pseudonymiser

app = typer.Typer()

Pseudonymise = Annotated[
    bool,
    typer.Option(
        "--pseudonymise",
        help="Send names that look like accession numbers only as pseudonyms, by PANTILE_PSEUDONYM_KEY.",
    ),
]


def open_pseudonymiser() -> Pseudonymiser:
    """What gives pseudonyms by the key in the settings; raises `PseudonymImpossible` where there is none."""
    key = read_settings().pseudonym_key.get_secret_value()
    if not key:
        raise PseudonymImpossible(
            f"PANTILE_PSEUDONYM_KEY is not set. Make a key of {SHORTEST_KEY} characters or more once, as by "
            "`openssl rand -hex 32`, and keep it: who has it can tell whose a pseudonym is"
        )
    return Pseudonymiser(key)


@app.command()
def pseudonym(
    names: Annotated[list[str], typer.Argument(help="Accession numbers, or names that begin with one.")],
) -> None:
    """Say what stands for names that were submitted with `--pseudonymise`, a line each.

    So `pantile withdraw $(pantile pseudonym S14-12345)` finds the case. Other names stay as they are.
    """
    own = open_pseudonymiser()
    for name in names:
        say(own.name(name))
