"""`pantile checkpoints`: from the files that authors of models have to checkpoints that Pantile runs, and how."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pantile.cli.reaching import Api
from pantile.cli.screen import count, remark, say
from pantile.cli.segmenters import add, read_card
from pantile.client.manifests import find_images
from pantile.client.uploads import hash_file
from pantile.domain.card_text import write_admission
from pantile.domain.errors import AdmissionImpossible, FileRefused
from pantile.domain.onnx_files import OnnxFacts
from pantile.domain.rois import check_mpp
from pantile.domain.segmenters import ADMITTED_FROM, Admission, Card, CardFormat, check_checkpoint, parse_card
from pantile_workers.cores import share_cores

if TYPE_CHECKING:
    from pantile_workers.inference.admission import Measurement
    from pantile_workers.inference.importing import ImportedCheckpoint

app = typer.Typer(
    help="Import checkpoints, admit them to mixed precision.", no_args_is_help=True, rich_markup_mode="markdown"
)

_TissueMpp = Annotated[float, typer.Option(help="Microns per pixel of the images of tissue.")]
_STUDY_MPP = 0.25


@app.callback()
def checkpoints() -> None:
    """Import checkpoints (whole-model pickles, state dicts, safetensors and ONNX), admit them to mixed precision."""


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A whole-model pickle, state dict, safetensors or ONNX file.")
    ],
    *,
    card: Annotated[str, typer.Option(help="A TOML file, or the name of a card that ships with Pantile.")],
    probe: Annotated[
        Path | None, typer.Option(metavar="NPZ", help="An input x and the values y that the network gave for it.")
    ] = None,
    tissue: Annotated[
        Path | None, typer.Option(metavar="IMAGE|FOLDER", help="Tissue to measure mixed precision on, as `admit` does.")
    ] = None,
    tissue_mpp: _TissueMpp = _STUDY_MPP,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put the checkpoint and its card.")] = Path(),
    register: Annotated[bool, typer.Option("--register", help="Register the segmenter, as `segmenters add`.")] = False,
    api: Api = "",
) -> None:
    """Turn what the authors of a model have into a checkpoint with a card that fits it.

    Nothing in the file is executed. Weights become safetensors, and their network is detected from the tensors; an ONNX
    file stays as it is. The network's channels must be the card's classes. With --probe, the network must give the
    values that the original one gave.
    """
    share_cores()
    from pantile_workers.inference.importing import (  # noqa: PLC0415 — torch only where it is used
        import_checkpoint,
        read_probe,
    )

    asked = parse_card(read_card(card))
    images = _find_tissue(tissue, tissue_mpp) if tissue else []
    imported = import_checkpoint(file, asked, out=out, probe=read_probe(probe) if probe else None)
    _tell(file, asked, imported)
    if images and imported.card.format is not CardFormat.ONNX:
        try:
            _admit(imported.card_file, imported.checkpoint, images, tissue_mpp)
        except AdmissionImpossible as error:
            remark(str(error))
            say(_precision(imported.card, imported.card_file))
    else:
        say(_precision(imported.card, imported.card_file))
    if register:
        add(str(imported.card_file), checkpoint=imported.checkpoint, api=api)


@app.command()
def admit(
    card: Annotated[Path, typer.Argument(metavar="CARD", help="The card of an imported checkpoint.")],
    *,
    tissue: Annotated[Path, typer.Option(metavar="IMAGE|FOLDER", help="Tissue of the kind it is to segment.")],
    tissue_mpp: _TissueMpp = _STUDY_MPP,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The checkpoint; the one beside the card otherwise.")
    ] = None,
) -> None:
    """Measure a checkpoint in mixed precision against float32, and write into its card how far they agree.

    Both run on the same patches of the tissue. From an agreement of 99.5 % of the pixels on, the segmenter is admitted
    to mixed precision; below it, it goes on in float32. Register the card again to make it known.
    """
    images = _find_tissue(tissue, tissue_mpp)
    if not card.is_file():
        raise FileRefused(f"there is no {card}")
    known = parse_card(read_card(str(card)))
    found = checkpoint or card.with_suffix(known.format.suffix)
    check_checkpoint(known, sha256=hash_file(found).sha256, output_channels=known.output_channels)
    _admit(card, found, images, tissue_mpp)
    say(f"`pantile segmenters add {card} --checkpoint {found}` makes it known.")


def _find_tissue(tissue: Path, mpp: float) -> list[Path]:
    check_mpp(mpp)
    if not tissue.is_dir():
        if not tissue.is_file():
            raise FileRefused(f"there is no {tissue}")
        return [tissue]
    images = [tissue / name for name in sorted(find_images(tissue))]
    if not images:
        raise FileRefused(f"there is no image in {tissue}")
    return images


def _admit(card_file: Path, checkpoint: Path, images: list[Path], mpp: float) -> None:
    """Measures, says what came out, and writes it into the card."""
    share_cores()
    from pantile_workers.imaging.reading import read_roi  # noqa: PLC0415 — pyvips only where it is used
    from pantile_workers.inference.admission import TissueImage, measure_admission  # noqa: PLC0415 — torch
    from pantile_workers.inference.engine import Engine  # noqa: PLC0415 — torch

    text = read_card(str(card_file))
    card = parse_card(text)
    tissue = [
        TissueImage(
            name=path.name,
            read=partial(lambda path: read_roi(path, roi_mpp=mpp, model_mpp=card.model_mpp).image, path),
        )
        for path in images
    ]
    several = f"{count(len(images), 'image')} at {mpp:g} mpp, {images[0].name} among them"
    described = several if len(images) > 1 else f"{images[0].name} at {mpp:g} mpp"
    say(f"Comparing mixed precision with float32 on {count(len(images), 'image')} of tissue …")
    with Engine() as engine:
        measured = measure_admission(engine, card, checkpoint, tissue, described=described)
    _replace(card_file, write_admission(text, measured.admission))
    say(_told(measured))
    say(f"Wrote it into {card_file}.")


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        raise FileRefused(f"{path}, {error.strerror or error}") from error


def _told(measured: "Measurement") -> str:
    admission = measured.admission
    where = f"{measured.patches} patches of {count(measured.images, 'image')}"
    return (
        f"{admission.arithmetic} gives the same class as float32 at {_percent(admission.agreement)} of "
        f"{admission.pixels:,} pixels ({where}; the least {_percent(measured.least_agreement)}, "
        f"{measured.least_image}): {_verdict(admission)}"
    )


def _precision(card: Card, card_file: Path) -> str:
    """What the card says of mixed precision, in one sentence."""
    if card.format is CardFormat.ONNX:
        return "It runs in the arithmetic of its own graph: mixed precision is for other formats."
    if card.admission is None:
        return f"It runs in float32 until `pantile checkpoints admit {card_file} --tissue …` has measured it in mixed."
    agreement = _percent(card.admission.agreement)
    return f"An earlier measurement of mixed precision is kept, agreement {agreement}: {_verdict(card.admission)}"


def _verdict(admission: Admission) -> str:
    if admission.is_granted:
        return "it is admitted to mixed precision."
    return f"less than {_percent(ADMITTED_FROM)}, so that it runs in float32."


def _percent(share: float) -> str:
    # Down, as 99.4996 % are less than 99.5 %.
    return f"{int(share * 1e5) / 1e3:.3f} %"


def _tell(file: Path, asked: Card, imported: "ImportedCheckpoint") -> None:
    card, source = imported.card, imported.source
    origin = f", trained with {card.trained_with}" if card.trained_with else ""
    if isinstance(source, OnnxFacts):
        made = f", made by {source.producer}" if source.producer else ""
        say(f"Read {file.name}: an ONNX file of opset {source.opset}{made}, {count(source.nodes, 'node')}.")
        say(f"It has {card.output_channels} output channels and takes {_taken(source)}; it runs with {card.runs_with}.")
    else:
        say(f"Read {file.name}: a {source.kind}{origin}, {count(len(source.tensors), 'tensor')}.")
        if source.left_out:
            say(f"Left out {count(source.left_out, 'tensor')} that do not belong to the network.")
        if source.activation:
            say(f"Left out {source.activation} at its end: the largest class stays the largest.")
        say(f"It is {_network(card)}, {card.output_channels} output channels; it runs with {card.runs_with}.")
        if _network(asked) != _network(card):
            say(f"The card said {_network(asked)}; the new card is put right.")
    if imported.difference is None:
        say("Its values were not compared with the original's: that takes --probe.")
    else:
        say(f"Its values agree with the probe's: the largest difference is {imported.difference:.1e}.")
    say(f"Wrote {imported.checkpoint} (SHA-256 {card.checkpoint_sha256}) and {imported.card_file}.")


def _taken(facts: OnnxFacts) -> str:
    size = f"of {facts.patch_px} px" if facts.patch_px else "of any size"
    if facts.batch_patches is None:
        return f"any number of patches {size}"
    return f"{facts.batch_patches} patches {size} at once"


def _network(card: Card) -> str:
    widths = f" and a decoder of {list(card.decoder_channels)}" if card.decoder_channels else ""
    return f"{card.architecture} with {card.encoder}{widths}"
