"""Segmenters and their checkpoints: listed, looked at, registered."""

from fastapi import APIRouter, HTTPException, Response

from pantile.cards import load_shipped_cards
from pantile.catalog import segmenters
from pantile.catalog.audit import record_action
from pantile.catalog.holdings import incoming_key
from pantile.coordinator.registry import is_kept, register_segmenter
from pantile.domain.segmenters import parse_card
from pantile.schemas.segmenters import (
    CheckpointIn,
    CheckpointUpload,
    SegmenterAdded,
    SegmenterIn,
    SegmenterList,
    SegmenterOut,
)
from pantile.web.answers import segmenter_out, shipped_out
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase, GivenObjects, GivenSettings, SegmenterPath

router = APIRouter(tags=["segmenters"])


@router.get("/segmenters", summary="List segmenters")
def list_segmenters(database: GivenDatabase) -> SegmenterList:
    """Registered segmenters by name, the newest version first; then those that wait for their checkpoint."""
    with database.transaction() as connection:
        registered = segmenters.list_segmenters(connection)
    names = {segmenter.card.name for segmenter in registered if segmenter.can_run}
    waiting = [card for name, card in load_shipped_cards().items() if name not in names]
    return SegmenterList(
        segmenters=[*(segmenter_out(segmenter) for segmenter in registered), *(shipped_out(card) for card in waiting)]
    )


@router.get("/segmenters/{name}", summary="Show a segmenter", responses=problems(404))
def show_segmenter(name: SegmenterPath, database: GivenDatabase) -> SegmenterOut:
    """A segmenter's card: the newest version of that name, or the one named by `name@version`."""
    known = list_segmenters(database).segmenters
    found = [each for each in known if name in {each.name, f"{each.name}@{each.version}"}]
    if not found:
        raise HTTPException(404, f"There is no segmenter {name}; known are {', '.join(each.name for each in known)}.")
    return found[0]


@router.post("/checkpoints", summary="Announce a checkpoint")
def announce_checkpoint(
    checkpoint: CheckpointIn,
    actor: GivenActor,
    database: GivenDatabase,
    objects: GivenObjects,
    settings: GivenSettings,
) -> CheckpointUpload:
    """An address to PUT a safetensors or ONNX file to, or none when a checkpoint of this digest is kept already."""
    if is_kept(objects, checkpoint.sha256):
        return CheckpointUpload(url=None)
    with database.transaction() as connection:
        record_action(connection, actor=actor, action="announce", subject=f"checkpoint {checkpoint.sha256}")
    key = incoming_key(checkpoint.sha256)
    return CheckpointUpload(url=objects.presign_put(key, expires_s=settings.presign_s))


@router.post(
    "/segmenters",
    status_code=201,
    summary="Register a segmenter",
    response_description="The segmenter is new.",
    responses={
        200: {
            "model": SegmenterAdded,
            "description": "It was registered already; `renewed` says what of its card is new.",
        },
        **problems(409),
    },
)
def add_segmenter(
    segmenter: SegmenterIn, response: Response, actor: GivenActor, database: GivenDatabase, objects: GivenObjects
) -> SegmenterAdded:
    """Registers a card with its uploaded checkpoint, whose own number of output channels wins.

    A card that does not fit is refused with the classes it would need; its upload is kept for the mended card.
    """
    card = parse_card(segmenter.card)
    done = register_segmenter(database, objects, card, sha256=segmenter.checkpoint_sha256, actor=actor)
    if not done.is_new:
        response.status_code = 200
    return SegmenterAdded(segmenter=segmenter_out(done.segmenter), added=done.is_new, renewed=list(done.renewed))
