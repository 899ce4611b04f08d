"""`pantile checkpoints import`: from the files that authors of models have to checkpoints that Pantile runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pantile.cli.reaching import Api
from pantile.cli.screen import count, say
from pantile.cli.segmenters import add, read_card
from pantile.domain.segmenters import Card, parse_card

if TYPE_CHECKING:
    from pantile_workers.inference.importing import ImportedCheckpoint

app = typer.Typer(help="Import checkpoints.", no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def checkpoints() -> None:
    """Import checkpoints: whole-model pickles, state dicts and safetensors files."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A whole-model pickle, state dict or safetensors file.")],
    *,
    card: Annotated[str, typer.Option(help="A TOML file, or the name of a card that ships with Pantile.")],
    probe: Annotated[
        Path | None, typer.Option(metavar="NPZ", help="An input x and the values y that the network gave for it.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put the checkpoint and its card.")] = Path(),
    register: Annotated[bool, typer.Option("--register", help="Register the segmenter, as `segmenters add`.")] = False,
    api: Api = "",
) -> None:
    """Turn a checkpoint into safetensors with a card that fits it.

    Nothing in the file is executed. The network is detected from the tensors; its channels must be the card's classes.
    With --probe, the network must give the values that the original one gave.
    """
    from pantile_workers.inference.importing import (  # noqa: PLC0415 — torch only where it is used
        import_checkpoint,
        read_probe,
    )

    asked = parse_card(read_card(card))
    imported = import_checkpoint(file, asked, out=out, probe=read_probe(probe) if probe else None)
    _tell(file, asked, imported)
    if register:
        add(str(imported.card_file), checkpoint=imported.checkpoint, api=api)


def _tell(file: Path, asked: Card, imported: "ImportedCheckpoint") -> None:
    card, weights = imported.card, imported.weights
    origin = f", trained with {card.trained_with}" if card.trained_with else ""
    say(f"Read {file.name}: a {weights.kind}{origin}, {count(len(weights.tensors), 'tensor')}.")
    if weights.left_out:
        say(f"Left out {count(weights.left_out, 'tensor')} that do not belong to the network.")
    if weights.activation:
        say(f"Left out {weights.activation} at its end: the largest class stays the largest.")
    say(f"It is {_network(card)}, {card.output_channels} output channels; it runs with {card.runs_with}.")
    if _network(asked) != _network(card):
        say(f"The card said {_network(asked)}; the new card is put right.")
    if imported.difference is None:
        say("Its values were not compared with the original's: that takes --probe.")
    else:
        say(f"Its values agree with the probe's: the largest difference is {imported.difference:.1e}.")
    say(f"Wrote {imported.checkpoint} (SHA-256 {card.checkpoint_sha256}) and {imported.card_file}.")


def _network(card: Card) -> str:
    widths = f" and a decoder of {list(card.decoder_channels)}" if card.decoder_channels else ""
    return f"{card.architecture} with {card.encoder}{widths}"
