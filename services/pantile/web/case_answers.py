"""Cases as answers: what is told of an assignment, and what a blinded study keeps to itself."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pantile.catalog.cases import Case, Example
from pantile.catalog.database import Row
from pantile.domain.class_maps import ClassGroup
from pantile.domain.deep_zoom import count_levels
from pantile.domain.legends import LEGEND, LegendEntry
from pantile.domain.questions import Question
from pantile.domain.readings import case_label, pane_letter
from pantile.domain.rois import TissueType
from pantile.domain.score_events import ScoreEvent, StoredEvent
from pantile.domain.scores import by_score
from pantile.domain.studies import ANCHORS, Study
from pantile.schemas.readings import (
    CaseOut,
    CaseRoi,
    CaseStudy,
    EventOut,
    ExampleOut,
    ExamplePane,
    LegendOut,
    MapSource,
    PaneOut,
    QuestionOut,
    QueuedCase,
    ScoreOut,
    TileSource,
)
from pantile.web.tiles import MAP_TILE_PX

_GROUPS = [entry.group for entry in LEGEND]


def case_out(case: Case, panes: Sequence[Row], study: Study, *, is_own: bool) -> CaseOut:
    """A case with its panes. Segmenters and the ROI's name are told only where the study tells them to raters."""
    row = case.row
    return CaseOut(
        key=row["key"],
        study=_study(study, case.asked),
        label=case_label(row["position"]),
        roi_name=row["roi"] if study.names_segmenters else None,
        cohort=row["cohort"],
        tissue_type=row["tissue_type"],
        position=row["position"],
        total=row["assigned"],
        done=row["done"],
        status=row["state"],
        purpose=row["purpose"],
        round=row["round"],
        is_own=is_own,
        comment=row["comment"],
        flags=row["flags"] or [],
        roi=_roi(row),
        sample={each: row["sample"].get(each) for each in TissueType},
        panes=[_pane(place, pane, study) for place, pane in enumerate(panes, start=1)],
        legend=legend_out(row["groups"] or ()),
        next=row["next"],
        previous=row["previous"],
    )


def _study(study: Study, asked: Iterable[Question]) -> CaseStudy:
    return CaseStudy(
        name=study.name,
        title=study.title,
        state=study.state,
        is_blinded=not study.names_segmenters,
        presentation=study.presentation,
        anchors=by_score(study.anchors or ANCHORS),
        questions=[
            QuestionOut(
                number=each.number,
                kind=each.kind,
                prompt=each.prompt,
                options=list(each.options),
                is_required=each.is_required,
            )
            for each in asked
        ],
    )


def _roi(row: Row) -> CaseRoi:
    tiles = None if row["is_withdrawn"] else _image_tiles(row)
    return CaseRoi(
        width_px=row["width_px"],
        height_px=row["height_px"],
        mpp=row["mpp"],
        tiles=tiles,
        tiles_state=_tiles_state(row) if tiles is None else "ready",
    )


def _tiles_state(row: Row) -> Literal["making", "failed", "withdrawn"]:
    if row["is_withdrawn"]:
        return "withdrawn"
    return "failed" if row["is_untileable"] else "making"


def _image_tiles(row: Row) -> TileSource | None:
    pyramid = row["pyramid"]
    if pyramid is None:
        return None
    return TileSource(
        url=f"/tiles/{row['roi_key']}",
        format="jpg",
        tile_px=pyramid["tile_px"],
        overlap=pyramid["overlap_px"],
        width_px=pyramid["width_px"],
        height_px=pyramid["height_px"],
        levels=pyramid["levels"],
    )


def _pane(place: int, row: Row, study: Study) -> PaneOut:
    return PaneOut(
        pane=pane_letter(place),
        output=row["key"],
        is_missing=row["is_missing"],
        tiles=_map_tiles(row),
        score=score_out(row),
        segmenter=row["segmenter"] if study.names_segmenters else None,
    )


def _map_tiles(row: Row) -> MapSource | None:
    if row["is_missing"]:
        return None
    return MapSource(
        url=f"/tiles/{row['key']}",
        format="png",
        tile_px=MAP_TILE_PX,
        overlap=0,
        width_px=row["width_px"],
        height_px=row["height_px"],
        levels=count_levels(row["width_px"], row["height_px"]),
        extent_width_px=row["extent_width_px"],
        extent_height_px=row["extent_height_px"],
        groups=_GROUPS,
    )


def score_out(document: Mapping[str, object]) -> ScoreOut:
    """A score of a row, or of what an event keeps."""
    return ScoreOut.model_validate({name: document[name] for name in ScoreOut.model_fields})


def legend_out(groups: Iterable[str]) -> list[LegendOut]:
    """The entries of the harmonised legend for some groups, in its order."""
    wanted = {ClassGroup(group) for group in groups}
    return [_entry(entry) for entry in LEGEND if entry.group in wanted]


def _entry(entry: LegendEntry) -> LegendOut:
    return LegendOut(
        index=entry.index,
        label=entry.label,
        letter=entry.letter,
        group=entry.group,
        colours={palette: "#{:02x}{:02x}{:02x}".format(*rgb) for palette, rgb in entry.colours.items()},
    )


def queued_case(row: Row) -> QueuedCase:
    """A case as its rater's queue shows it."""
    return QueuedCase(
        label=case_label(row["position"]),
        status=row["state"],
        roi_name=row["roi"],
        **{
            name: row[name]
            for name in ("key", "position", "cohort", "tissue_type", "purpose", "round", "scored", "panes", "flags")
        },
    )


def event_out(stored: StoredEvent) -> EventOut:
    """An event of an assignment."""
    event: ScoreEvent = stored.event
    return EventOut(
        number=event.number,
        action=event.action,
        output=event.output,
        pane=pane_letter(event.pane) if event.pane is not None else None,
        before=dict(event.before),
        after=dict(event.after),
        actor=event.actor,
        at=event.at,
        client_at=event.client_at,
        reason=event.reason,
        group=event.group,
        hash=stored.hash,
    )


def example_out(example: Example) -> ExampleOut:
    """A calibration image."""
    row = example.case.row
    return ExampleOut(
        cohort=row["cohort"],
        tissue_type=row["tissue_type"],
        roi=_roi(row),
        panes=[
            ExamplePane(output=pane["key"], is_missing=pane["is_missing"], tiles=_map_tiles(pane), value=pane["value"])
            for pane in example.panes
        ],
    )
