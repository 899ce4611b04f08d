"""Every reading with who scored it, in which round, at which place and in which pane: the long export of a study."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pantile.analysis.design import Design, cohort_name
from pantile.analysis.reading import InputFile, Problems, TextFile, how_many, is_missing
from pantile.analysis.scores import Texts

_REQUIRED = ("file_name", "tcga_project", "model", "score", "rater", "round", "position", "pane")


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """One entry a score."""

    outputs: Texts
    """The file that was scored."""

    cells: Texts
    """Cohort and segmenter."""

    raters: Texts
    rounds: NDArray[np.int64]
    positions: NDArray[np.int64]
    panes: Texts
    scores: NDArray[np.float64]

    def where(self, rows: NDArray[np.bool_]) -> Self:
        """Some of the entries."""
        return replace(self, **{it.name: getattr(self, it.name)[rows] for it in fields(self)})


def read_readings(file: TextFile, design: Design) -> tuple[Readings, InputFile]:
    """The scores of a long export; outputs without a score are left out and counted.

    Raises:
        ScoresRefused: a line has an unknown model, or a score, round or position that is none.
    """
    problems, places = Problems(file.name), design.place_of()
    kept: list[tuple[str, str, str, int, int, str, float]] = []
    rows = unscored = 0
    for rows, (where, row) in enumerate(file.rows(_REQUIRED), 1):  # noqa: B007 — the number of rows is wanted
        if is_missing(row["score"]):
            unscored += 1
            continue
        place = places.get(row["model"].lower())
        try:
            score, turn, position = int(row["score"]), int(row["round"]), int(row["position"])
        except ValueError:
            problems.add(where, "score, round and position have to be whole numbers")
            continue
        if place is None or not 0 <= score <= 10:
            what = f"model {row['model']!r} is unknown" if place is None else f"score {score} is not between 0 and 10"
            problems.add(where, what)
            continue
        cell = f"{cohort_name(row['tcga_project'])}\t{place}"
        kept.append((row["file_name"], cell, row["rater"], turn, position, row["pane"], float(score)))
    if not kept and not problems.found:
        problems.add("line 1", "no scores follow the header")
    problems.raise_if_any()
    outputs, cells, raters, rounds, positions, panes, scores = zip(*kept, strict=True)
    readings = Readings(
        outputs=np.array(outputs, dtype=np.str_),
        cells=np.array(cells, dtype=np.str_),
        raters=np.array(raters, dtype=np.str_),
        rounds=np.array(rounds, dtype=np.int64),
        positions=np.array(positions, dtype=np.int64),
        panes=np.array(panes, dtype=np.str_),
        scores=np.array(scores, dtype=np.float64),
    )
    told = (f"{how_many(unscored, 'row')} without a score, left out",) if unscored else ()
    return readings, InputFile(role="long export", name=file.name, sha256=file.sha256, rows=rows, remarks=told)
