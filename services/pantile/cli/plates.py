"""`pantile plates`: figure plates of a study's outputs, and the table of classes and colours."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import count, say
from pantile.client.api import ApiClient
from pantile.client.downloads import Download, download_files, safe_name, write_whole
from pantile.client.plates import (
    ExampleRow,
    draw_classes,
    draw_plate,
    encode_plate,
    make_example,
    make_legend,
    panel_px,
)
from pantile.domain.class_maps import PaletteName
from pantile.domain.csv_text import write_csv
from pantile.domain.dice_remaps import published_cohort
from pantile.domain.errors import FileRefused, TransferFailed
from pantile.domain.plates import PlateRow, ScoredOutput, choose_by_score, choose_foreign
from pantile.domain.rois import TissueType
from pantile.schemas.results import ResultOut
from pantile.schemas.segmenters import SegmenterOut

app = typer.Typer(rich_markup_mode="markdown")

EXIT_UNKNOWN = 1
_COLUMNS = ("plate", "row", "cohort", "roi", "segmenter", "score", "job_id", "image_sha256", "class_map_sha256", "seed")


@app.command()
def plates(
    study: Annotated[str, typer.Argument(help="Its name.")],
    *,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write them.")] = Path("plates"),
    examples: Annotated[int, typer.Option(min=1, max=4, help="Examples in a row.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of examples; the same seed shows the same.")] = 0,
    palette: Annotated[PaletteName, typer.Option(help="Of the overlays.")] = PaletteName.SIMPLIFIED,
    api: Api = "",
) -> None:
    """Write figure plates of a study: H&E beside overlay, with scale bars, examples drawn by lot.

    One plate shows examples of the scores 10, 8, … 0 (the article's Figure 2); one for each segmenter its five best
    foreign cohorts (Figure 5, Supplementary Figures 2-5). Beside them the table of classes and colours (Supplementary
    Table 1), and plates.csv, which says what is shown.
    """
    with open_api(api) as client:
        outputs = [_output(row) for row in csv.DictReader(client.scored_csv(study).splitlines())]
        if not outputs:
            say(f"{study} has no scores that could be shown yet.")
            raise typer.Exit(EXIT_UNKNOWN)
        cards = _cards(client, outputs)
        _make_folder(out)
        chosen = {"scores": choose_by_score(outputs, examples=examples, seed=seed)} | {
            f"foreign_{name}": choose_foreign(
                outputs, name, native=_native(card, outputs), examples=examples, seed=seed
            )
            for name, card in cards.items()
        }
        shown: list[tuple[object, ...]] = []
        for name, rows in chosen.items():
            if rows:
                plate = _Plate(client, cards, examples=examples, seed=seed, palette=palette)
                write_whole(out / f"{name}.png", plate.draw(_title(study, name), rows))
                shown += [(name, *row, seed) for row in plate.shown]
    write_whole(out / "classes.png", encode_plate(draw_classes({name: card.classes for name, card in cards.items()})))
    write_whole(out / "classes.csv", _classes(cards).encode())
    write_whole(out / "plates.csv", write_csv(_COLUMNS, shown).encode())  # type: ignore[arg-type]  # cells, all of them
    say(f"{count(sum(map(bool, chosen.values())), 'plate')} and the table of classes in {out}.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileRefused(f"{folder}, {error.strerror or error}") from error


def _output(row: Mapping[str, str]) -> ScoredOutput:
    return ScoredOutput(
        cohort=row["cohort"],
        roi_id=int(row["roi_id"]),
        roi=row["roi"],
        segmenter=row["segmenter"],
        job_id=int(row["job_id"]),
        tissue_type=TissueType(row["tissue_type"]),
        mpp=float(row["mpp"]),
        value=float(row["value"]),
    )


def _cards(client: ApiClient, outputs: Sequence[ScoredOutput]) -> dict[str, SegmenterOut]:
    return {name: client.segmenter(name) for name in sorted({each.segmenter for each in outputs})}


def _native(card: SegmenterOut, outputs: Sequence[ScoredOutput]) -> set[str]:
    """The cohorts that a segmenter was trained on, COAD and READ being one."""
    home = {published_cohort(cohort) for cohort in card.training_cohorts}
    return {each.cohort for each in outputs if published_cohort(each.cohort) in home}


def _title(study: str, plate: str) -> str:
    kind, _, segmenter = plate.partition("_")
    if kind == "scores":
        return f"{study}: examples by score"
    return f"{study}: {segmenter} segmenter, best foreign cohorts"


class _Plate:
    """One plate in the making; `shown` lists its examples."""

    def __init__(
        self, client: ApiClient, cards: Mapping[str, SegmenterOut], *, examples: int, seed: int, palette: PaletteName
    ) -> None:
        self._client, self._cards, self._examples, self._seed, self._palette = client, cards, examples, seed, palette
        self.shown: list[tuple[object, ...]] = []

    def draw(self, title: str, rows: Sequence[PlateRow]) -> bytes:
        """The plate as a PNG; raises `TransferFailed`."""
        wanted = [each for row in rows for each in row.outputs]
        results = {each.job_id: self._client.result(each.cohort, each.roi_id, each.job_id) for each in wanted}
        with TemporaryDirectory() as folder:
            files = _fetch(results.values(), Path(folder))
            drawn = [
                ExampleRow(
                    title=row.title,
                    examples=[
                        make_example(
                            results[each.job_id],
                            files[results[each.job_id].image.sha256].read_bytes(),
                            files[results[each.job_id].class_map.sha256].read_bytes(),
                            self._cards[each.segmenter].classes,
                            size_px=panel_px(self._examples),
                            caption=f"{each.cohort}, {each.segmenter}, score {each.value:g}\n{each.roi}",
                            palette=self._palette,
                        )
                        for each in row.outputs
                    ],
                )
                for row in rows
            ]
        for row in rows:
            for each in row.outputs:
                result = results[each.job_id]
                self.shown.append((row.title, each.cohort, each.roi, each.segmenter, each.value, each.job_id,
                                   result.image.sha256, result.class_map.sha256))  # fmt: skip
        note = f"H&E, and the class map over it in {self._palette} colours (classes.png); by lot, seed {self._seed}."
        classes = [each for name in sorted({it.segmenter for it in wanted}) for each in self._cards[name].classes]
        legend = make_legend(classes, self._palette)
        return encode_plate(draw_plate(title, drawn, examples_a_row=self._examples, legend=legend, note=note))


def _fetch(results: Iterable[ResultOut], folder: Path) -> dict[str, Path]:
    """The files of images and class maps by digest; raises `TransferFailed`."""
    wanted = {each.sha256: each.url for result in results for each in (result.image, result.class_map) if each.url}
    files = {sha256: folder / safe_name(sha256) for sha256 in wanted}
    downloads = [Download(url=url, file=files[sha256], sha256=sha256) for sha256, url in wanted.items()]
    failed = download_files(downloads, lambda: None)
    if failed:
        raise TransferFailed(next(iter(failed.values())))
    return files


def _classes(cards: Mapping[str, SegmenterOut]) -> str:
    columns = ("segmenter", "version", "index", "class", "group", "simplified", "detailed")
    return write_csv(
        columns,
        (
            (
                name,
                card.version,
                each.index,
                each.name,
                each.group.value,
                _hex(each.simplified_rgb),
                _hex(each.detailed_rgb),
            )
            for name, card in cards.items()
            for each in card.classes
        ),
    )


def _hex(rgb: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in rgb)
