"""What handlers are given: the servers that the application opened, who asks, checked parts of paths and queries."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from pantile.catalog.database import Database
from pantile.domain.access import Visitor
from pantile.domain.errors import NotSignedIn
from pantile.objects import ObjectStore
from pantile.queue import Sender
from pantile.settings import Settings
from pantile.web.gate import visitor_of

_MAX_ID = 2**63 - 1
_NO_NUL = r"^[^\x00]*$"


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _objects(request: Request) -> ObjectStore:
    objects: ObjectStore = request.app.state.objects
    return objects


async def _sender(request: Request) -> Sender:
    sender: Sender = request.app.state.sender
    return sender


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _visitor(request: Request) -> Visitor:
    visitor = visitor_of(request)
    if visitor is None:
        raise NotSignedIn
    return visitor


async def _actor(request: Request) -> str:
    return (await _visitor(request)).actor


GivenDatabase = Annotated[Database, Depends(_database)]
GivenObjects = Annotated[ObjectStore, Depends(_objects)]
GivenSender = Annotated[Sender, Depends(_sender)]
GivenSettings = Annotated[Settings, Depends(_settings)]
GivenVisitor = Annotated[Visitor, Depends(_visitor)]
GivenActor = Annotated[str, Depends(_actor)]
"""Who the audit log names for a change."""

CohortPath = Annotated[
    str, Path(max_length=100, pattern=_NO_NUL, description="The cohort's name or id.", examples=["TCGA-BRCA"])
]
TrainingPath = Annotated[int, Path(ge=1, le=_MAX_ID, description="The training's id.", examples=[1])]
SeenVersion = Annotated[
    str,
    Header(
        alias="If-Match",
        pattern=r'^(W/)?"v[0-9]{1,9}"$',
        description='The version that was seen; `"v0"` where nothing was set.',
        examples=['"v0"'],
    ),
]
SlidePath = Annotated[int, Path(ge=1, le=_MAX_ID, description="The slide's id.", examples=[1])]
JobPath = Annotated[int, Path(ge=1, le=_MAX_ID, description="The job's id.", examples=[1])]
TokenPath = Annotated[int, Path(ge=1, le=_MAX_ID, description="The token's id.", examples=[1])]
SessionPath = Annotated[int, Path(ge=1, le=_MAX_ID, description="The session's id.", examples=[1])]
AccountPath = Annotated[
    str, Path(max_length=100, pattern=_NO_NUL, description="The account's name.", examples=["jane"])
]
SegmenterPath = Annotated[
    str, Path(max_length=200, pattern=_NO_NUL, description="A name, or name@version.", examples=["lung"])
]
WorkerPath = Annotated[
    str,
    Path(max_length=300, pattern=_NO_NUL, description="The worker's name.", examples=["segment-71-9f0c@gpu-node-1"]),
]
After = Annotated[int, Query(ge=0, le=_MAX_ID, description="The `next` of the page before.")]
Word = Annotated[str, Query(max_length=500, pattern=_NO_NUL)]


def version_number(seen: str) -> int:
    """The number in a `SeenVersion`."""
    return int(seen.removeprefix("W/").strip('"v'))
