"""The gallery: what segmenters made of a cohort's ROIs, to be looked at without scoring anything."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pantile.catalog import galleries
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Connection, Row
from pantile.catalog.galleries import GalleryFilter
from pantile.catalog.pyramids import want_pyramids
from pantile.domain.legends import LegendPalette
from pantile.domain.rois import TissueType
from pantile.domain.segmenters import settings_from
from pantile.web.assets import viewer_assets
from pantile.web.gallery import by_roi, closer_look, common_legend, scale_bar, shown_result
from pantile.web.gallery_pictures import PictureSize
from pantile.web.given import After, GivenDatabase, GivenObjects, GivenSettings, JobPath
from pantile.web.pages import render_scripted

router = APIRouter(prefix="/gallery", include_in_schema=False)

_ROIS_A_PAGE = 24
_ROIS_IN_ROWS = 6
"""ROIs of a page that shows what all segmenters made of each."""

_OPACITIES = (0, 20, 45, 70, 100)

Word = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("")
def show_gallery(
    request: Request,
    database: GivenDatabase,
    *,
    cohort: Word = "",
    segmenter: Word = "",
    tissue: Word = "",
    q: Word = "",
    colours: Word = "",
    after: After = 0,
) -> Response:
    """A cohort's class maps as pictures, filtered as the address says; without a cohort, those of the first one."""
    palette = _palette(colours)
    asked = {"cohort": cohort, "segmenter": segmenter, "tissue": tissue, "q": q.strip(), "colours": palette}
    rois = _ROIS_A_PAGE if segmenter else _ROIS_IN_ROWS
    with database.transaction() as connection:
        listed = galleries.list_shown_cohorts(connection)
        if cohort or listed:
            asked["cohort"] = find_cohort(connection, cohort).name if cohort else _first(listed, segmenter)
        rows = _find(connection, asked, after=after, rois=rois + 1)
        shown = by_roi([shown_result(row, palette) for row in rows])
        awaited = _want_pictures(connection, [row for group in shown[:rois] for row in [group[0].row]])
    page = shown[:rois]
    told = {name: value for name, value in asked.items() if value}
    return render_scripted(
        request,
        "gallery/list.html",
        shown=page,
        legend_lines=common_legend(result for group in page for result in group),
        cohorts=[each["name"] for each in listed],
        segmenters=next((each["segmenters"] for each in listed if each["name"] == asked["cohort"]), []),
        palettes=list(LegendPalette),
        tissues=list(TissueType),
        asked=asked,
        is_live=awaited,
        following=f"/gallery?{urlencode({**told, 'after': page[-1][0].row['roi_id']})}" if len(shown) > rois else "",
    )


def _first(listed: list[Row], segmenter: str) -> str:
    """The first cohort that has class maps, of that segmenter if one has."""
    fitting = [each["name"] for each in listed if segmenter in each["segmenters"]]
    return str(fitting[0] if fitting else listed[0]["name"])


def _find(connection: Connection, asked: dict[str, str], *, after: int, rois: int) -> list[Row]:
    if not asked["cohort"]:
        return []
    wanted = GalleryFilter(
        cohort_id=find_cohort(connection, asked["cohort"]).id,
        segmenter=asked["segmenter"],
        tissue_type=next((each for each in TissueType if each == asked["tissue"]), None),
        words=asked["q"],
    )
    return galleries.list_maps(connection, wanted, after=after, rois=rois)


def _palette(name: str) -> LegendPalette:
    return next((each for each in LegendPalette if each == name), LegendPalette.ACCESSIBLE)


def _want_pictures(connection: Connection, rows: list[Row]) -> bool:
    """Asks for the pyramids that these ROIs lack; whether any is to be awaited."""
    awaited = [row["roi_id"] for row in rows if not row["has_pyramid"] and not row["has_failed"]]
    if awaited:
        want_pyramids(connection, awaited)
    return bool(awaited)


@router.get("/{job_id}")
def show_result(
    request: Request,
    job_id: JobPath,
    database: GivenDatabase,
    objects: GivenObjects,
    settings: GivenSettings,
    *,
    cohort: Word = "",
    colours: Word = "",
    opacity: Annotated[int, Query(ge=0, le=100)] = 45,
    size: Word = "",
) -> Response:
    """One class map over its ROI, with legend, areas and where it comes from; the other segmenters' beside it."""
    palette = _palette(colours)
    with database.transaction() as connection:
        rows = galleries.list_maps_beside(connection, job_id, cohort=cohort)
        row = next(each for each in rows if each["job_id"] == job_id)
        before, following = galleries.find_neighbours(connection, row)
        awaited = _want_pictures(connection, [row])
    look = closer_look(row, palette) if size == PictureSize.LARGE and row["has_pyramid"] else None
    told: dict[str, Any] = {"cohort": row["cohort"]}
    told |= {"colours": palette} if palette is not LegendPalette.ACCESSIBLE else {}
    told |= {"size": size} if size == PictureSize.LARGE else {}
    return render_scripted(
        request,
        "gallery/result.html",
        result=shown_result(row, palette),
        others=[shown_result(each, palette) for each in rows],
        settings=settings_from(row["settings"]),
        bar=scale_bar(row["width_px"], row["roi_mpp"]),
        before=before,
        following=following,
        query=urlencode(told),
        asked={"colours": palette, "opacity": min(_OPACITIES, key=lambda each: abs(each - opacity)), "size": size},
        opacities=_OPACITIES,
        palettes=list(LegendPalette),
        size=PictureSize.LARGE if size == PictureSize.LARGE else PictureSize.VIEW,
        look=look,
        look_script=viewer_assets()["look_script"] if look else "",
        download=objects.presign_get(row["object_key"], expires_s=settings.presign_s),
        is_live=awaited,
    )
