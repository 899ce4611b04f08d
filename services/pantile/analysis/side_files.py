"""Files beside the scores: exclusions, what segmenters were trained on, clinical tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pantile.analysis.design import Design
from pantile.analysis.reading import InputFile, Problems, TextFile, how_many, is_missing
from pantile.analysis.scores import Mask, ScoreTable, roi_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusions:
    """ROIs that take no part, each with its reason."""

    reasons: Mapping[str, str]

    def keep(self, table: ScoreTable) -> ScoreTable:
        """The table without them."""
        return table.where(~self.hits(table.rois.tolist()))

    def hits(self, rois: Sequence[str]) -> Mask:
        """Which of some ROIs are excluded."""
        return np.array([roi in self.reasons for roi in rois], dtype=np.bool_)


NO_EXCLUSIONS = Exclusions(reasons={})


def read_exclusions(file: TextFile, known: Sequence[str]) -> tuple[Exclusions, InputFile]:
    """Exclusions from a CSV with the columns `roi` (a file name of the study, or an ROI's name) and `reason`.

    Raises:
        ScoresRefused: a line gives no reason, or names an ROI that nothing else names.
    """
    problems, reasons, names = Problems(file.name), dict[str, str](), set(known)
    for where, row in file.rows(("roi", "reason")):
        roi = roi_name(row["roi"])
        if roi not in names:
            problems.add(where, f"ROI {row['roi']} is in no other file")
        elif not row["reason"]:
            problems.add(where, f"ROI {row['roi']} is excluded without a reason")
        else:
            reasons[roi] = row["reason"]
    problems.raise_if_any()
    by_reason = [f"{reason}: {list(reasons.values()).count(reason)}" for reason in dict.fromkeys(reasons.values())]
    return Exclusions(reasons=reasons), InputFile(
        role="exclusions", name=file.name, sha256=file.sha256, rows=len(reasons), remarks=tuple(by_reason)
    )


def read_trained(file: TextFile, table: ScoreTable) -> tuple[Mask, InputFile]:
    """(rois, segmenters) what was in a segmenter's training, from a CSV of `model` and `case` (or a slide's barcode).

    Raises:
        ScoresRefused: a line names an unknown model, or nothing.
    """
    problems, places = Problems(file.name), table.design.place_of()
    trained = np.zeros(table.scores.shape, dtype=np.bool_)
    unknown = rows = 0
    for where, row in file.rows(("model", "case")):
        rows += 1
        place = places.get(row["model"].lower())
        if place is None or not row["case"]:
            problems.add(where, f"model {row['model']!r} and case {row['case']!r} name no training")
            continue
        of_case = table.cases == row["case"][:12].upper()
        trained[of_case, place] = True
        unknown += not of_case.any()
    problems.raise_if_any()
    remarks = (f"{how_many(unknown, 'row')} of cases without scores",) if unknown else ()
    return trained, InputFile(role="training", name=file.name, sha256=file.sha256, rows=rows, remarks=remarks)


def read_diagnoses(files: Sequence[TextFile], cases: Sequence[str]) -> tuple[Mapping[str, str], list[InputFile]]:
    """The primary diagnosis of each case, from clinical tables of the GDC (TSV), however often a case stands in them.

    A case with several diagnoses has the one that its table calls primary, or else the first; such cases are counted.
    """
    found: dict[str, str] = {}
    primary: set[str] = set()
    inputs = []
    wanted = set(cases)
    for file in files:
        several: set[str] = set()
        rows = 0
        for rows, (_, row) in enumerate(file.rows(("case_submitter_id", "primary_diagnosis"), delimiter="\t"), 1):  # noqa: B007
            case, diagnosis = row["case_submitter_id"].upper(), row["primary_diagnosis"]
            if is_missing(diagnosis):
                continue
            if found.setdefault(case, diagnosis) != diagnosis:
                several.add(case)
            if row.get("classification_of_tumor", "").lower() == "primary" and case not in primary:
                primary.add(case)
                found[case] = diagnosis
        remarks = []
        if several:
            remarks.append(f"{how_many(len(several), 'case')} with several diagnoses: the primary, or first, is taken")
        inputs.append(InputFile(role="clinical", name=file.name, sha256=file.sha256, rows=rows, remarks=tuple(remarks)))
    return {case: diagnosis for case, diagnosis in found.items() if case in wanted}, inputs


def trained_note(design: Design, trained: Mask) -> str:
    """How many ROIs of each segmenter were in its training."""
    counts = zip(design.titles, trained.sum(axis=0), strict=True)
    return ", ".join(f"{title} {int(count):,}" for title, count in counts)
