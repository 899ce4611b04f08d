"""A study of a Pantile as the files that an analysis reads, and what its segmenters were trained on."""

from pathlib import Path

from pantile.analysis.design import Design, make_design
from pantile.client.api import ApiClient
from pantile.client.downloads import make_folder, write_whole
from pantile.domain.dice import DiceProtocol
from pantile.domain.errors import ApiRefused
from pantile.domain.study_dice import STUDY_DICE_FILE
from pantile.domain.study_exports import ANALYSED_FILES, ExportKind


def fetch_study(client: ApiClient, name: str, folder: Path, *, protocol: DiceProtocol) -> Design:
    """Writes a study's tables into a folder, those that have rows, and gives its segmenters.

    Raises:
        ApiRefused: there is no such study, its scores may not be read, or its segmenters not be known yet.
    """
    study = client.study(name)
    if study.segmenters is None:
        raise ApiRefused(f"{name} is blinded, and its segmenters are not to be known yet")
    make_folder(folder)
    tables = {file: client.export_study(name, kind) for kind, file in ANALYSED_FILES.items()}
    tables[STUDY_DICE_FILE] = client.dice_csv(name, protocol).encode()
    for file, content in tables.items():
        if file == ANALYSED_FILES[ExportKind.STUDY] or content.count(b"\n") > 1:
            write_whole(folder / file, content)
        else:
            (folder / file).unlink(missing_ok=True)
    return make_design(
        [(it.number, it.name, client.segmenter(f"{it.name}@{it.version}").training_cohorts) for it in study.segmenters]
    )
