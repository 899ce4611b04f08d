"""`pantile segmenters`: listed, shown, and added with a card and a checkpoint."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import make_console, say, show_table
from pantile.client.api import ApiClient
from pantile.client.uploads import HashedFile, hash_file, upload_file
from pantile.domain.errors import CardRefused, FileRefused
from pantile.domain.segmenters import ADMITTED_FROM, CardFormat, check_checkpoint, parse_card
from pantile.domain.settings_asked import cut_percent
from pantile.schemas.segmenters import AdmissionOut, CheckpointIn, SegmenterIn, SegmenterOut

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="List segmenters, look at one, add one with its checkpoint."
)

_CARDS = "pantile.cards"


@app.command("list")
def list_segmenters(*, api: Api = "") -> None:
    """List the registered segmenters, and those that wait for their checkpoint."""
    with open_api(api) as client:
        segmenters = client.segmenters()
    columns = ("name", "version", "network", "classes", "training cohorts", "checkpoint")
    show_table(columns, [_row(each) for each in segmenters])
    if not any(each.registered for each in segmenters):
        say("None is registered yet: `pantile segmenters add NAME --checkpoint FILE` adds one.")


def _row(segmenter: SegmenterOut) -> tuple[object, ...]:
    checkpoint = "registered" if segmenter.registered else f"expected at {segmenter.expected_at or 'no known place'}"
    classes = ", ".join(tissue.name for tissue in segmenter.classes)
    return (
        segmenter.name,
        segmenter.version,
        f"{segmenter.architecture} {segmenter.encoder}".strip(),
        f"{len(segmenter.classes)}: {classes}",
        ", ".join(segmenter.training_cohorts) or "-",
        checkpoint,
    )


@app.command()
def show(name: Annotated[str, typer.Argument(help="Its name, or name@version.")], *, api: Api = "") -> None:
    """Show a segmenter's card: its network, classes, licence, and whether it may run in mixed precision."""
    with open_api(api) as client:
        segmenter = client.segmenter(name)
    show_table(("", ""), _facts(segmenter))
    say("\nClasses")
    classes = [(each.index, each.name, each.group.value, _hex(each.detailed_rgb)) for each in segmenter.classes]
    show_table(("index", "class", "group", "colour"), classes)


def _facts(segmenter: SegmenterOut) -> list[tuple[str, str]]:
    facts = {
        "segmenter": f"{segmenter.name} {segmenter.version}",
        "title": segmenter.title,
        "network": f"{segmenter.architecture} {segmenter.encoder}".strip(),
        "format": segmenter.format.value,
        "sees": f"patches of {segmenter.patch_px} px at {segmenter.model_mpp:g} mpp",
        "precision": "that of its own graph"
        if segmenter.format is CardFormat.ONNX
        else describe_admission(segmenter.admission),
        "trained on": ", ".join(segmenter.training_cohorts),
        "licence": segmenter.licence,
        "checkpoint": f"SHA-256 {segmenter.checkpoint_sha256}"
        if segmenter.registered
        else f"expected at {segmenter.expected_at or 'no known place'}",
        "notes": segmenter.notes.strip(),
    }
    return [(key, fact) for key, fact in facts.items() if fact]


def describe_admission(admission: AdmissionOut | None) -> str:
    """What a segmenter may run in, and why."""
    if admission is None:
        return "float32: not tested for mixed precision"
    needed = cut_percent(ADMITTED_FROM, digits=1)
    verdict = "mixed" if admission.granted else f"float32: too little, {needed} are needed"
    return (
        f"{verdict}; {cut_percent(admission.agreement, digits=2)} of {admission.pixels:,} pixels of {admission.tissue} "
        f"have the same class in {admission.arithmetic}"
    )


def _hex(rgb: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in rgb)


@app.command()
def add(
    card: Annotated[str, typer.Argument(help="A TOML file, or the name of a card that ships with Pantile.")],
    *,
    checkpoint: Annotated[Path, typer.Option(metavar="FILE", help="The weights, as safetensors or ONNX.")],
    api: Api = "",
) -> None:
    """Register a segmenter: a card with the checkpoint that belongs to it.

    The checkpoint's own number of output channels wins; a card that does not fit is refused with the classes that it
    would need.
    """
    text = read_card(card)
    parsed = parse_card(text)
    hashed = hash_file(checkpoint)
    # Here only the digest can be wrong: the channels are counted by the web service, in the checkpoint itself.
    check_checkpoint(parsed, sha256=hashed.sha256, output_channels=parsed.output_channels)
    with open_api(api) as client:
        _upload(client, hashed)
        added = client.add_segmenter(SegmenterIn(card=text, checkpoint_sha256=hashed.sha256))
    name = f"{added.segmenter.name} {added.segmenter.version}"
    classes = ", ".join(tissue.name for tissue in added.segmenter.classes)
    if added.added:
        say(f"Added {name} ({classes}).")
    elif added.renewed:
        say(f"{name} is registered already; brought up to date: {', '.join(added.renewed)}.")
    else:
        say(f"Nothing added: {name} is registered already.")


def read_card(card: str) -> str:
    """The TOML of a card, by path or by the name of a shipped one; raises `CardRefused`, `FileRefused`."""
    shipped = {entry.name.removesuffix(".toml"): entry for entry in files(_CARDS).iterdir()
               if entry.name.endswith(".toml")}  # fmt: skip
    path = Path(card)
    try:
        if path.is_file():
            return path.read_text("utf-8")
        if card in shipped:
            return shipped[card].read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"{card}, {error}") from error
    raise CardRefused(f"{card} is neither a file nor one of the shipped cards {', '.join(sorted(shipped))}")


def _upload(client: ApiClient, hashed: HashedFile) -> None:
    url = client.announce_checkpoint(CheckpointIn(sha256=hashed.sha256, bytes=hashed.bytes)).url
    if url is None:
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=make_console(stderr=True)) as bar:
        task = bar.add_task("Uploading the checkpoint", total=hashed.bytes)
        upload_file(url, hashed, lambda size: bar.advance(task, size))
