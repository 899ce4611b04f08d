"""Files that pages load: those of `static/`, and what pages with scripts need, which is built and named by content."""

import json
from functools import cache
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from pantile.domain.errors import ViewerNotBuilt

STATIC = Path(__file__).parent / "static"

_BUILT = "viewer/"
_SOURCES = {
    "script": "main.ts",
    "style": "viewer.css",
    "placing_script": "placing.ts",
    "placing_style": "placing.css",
    "look_script": "look.ts",
}
"""What the scoring page, a slide's page and a large picture of the gallery load, and what they are built from."""

_FOREVER = "public, max-age=31536000, immutable"


class StaticAssets(StaticFiles):
    """The files of `static/`; a browser asks but once for those whose name changes with their content."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        if path.startswith(_BUILT) and response.status_code == 200:
            response.headers["Cache-Control"] = _FOREVER
        return response


@cache
def viewer_assets() -> dict[str, str]:
    """The addresses of what is built, by what it is to the pages; raises `ViewerNotBuilt`."""
    try:
        names = json.loads((STATIC / _BUILT / "manifest.json").read_text())
    except FileNotFoundError as error:
        raise ViewerNotBuilt from error
    return {name: f"/static/{_BUILT}{names[source]}" for name, source in _SOURCES.items()}
