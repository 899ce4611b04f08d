"""How commands reach a Pantile: by address, or the embedded stack of this machine."""

from typing import Annotated

import typer
from pydantic import ValidationError

from pantile.client.api import ApiClient, check_address
from pantile.client.imports import ImportsClient
from pantile.client.preannotations import PreannotationsClient
from pantile.client.studies import StudiesClient
from pantile.domain.errors import ApiUnknown, SettingRefused
from pantile.local.state import find_stack
from pantile.settings import Settings

Api = Annotated[
    str,
    typer.Option(
        "--api",
        metavar="URL",
        help="Address of the web service; otherwise PANTILE_API_URL, or the stack that `pantile up` started.",
        show_default=False,
    ),
]


def read_settings() -> Settings:
    """The settings; raises `SettingRefused`."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"])
        raise SettingRefused(f"PANTILE_{name.upper()}, {first['msg'].lower()}") from error


def find_api(address: str) -> str:
    """The address of the Pantile that is meant; raises `ApiUnknown`."""
    settings = read_settings()
    if address or settings.api_url:
        return address or settings.api_url
    stack = find_stack(settings.home)
    if stack is None:
        raise ApiUnknown
    return stack.url("web")


def open_api(address: str) -> ApiClient:
    """The Pantile that is meant; raises `ApiUnknown`, `ApiClosed`."""
    api = find_api(address)
    return ApiClient(api, token=_find_token(api))


def open_studies(address: str) -> StudiesClient:
    """The Pantile that is meant, with its studies; raises `ApiUnknown`, `ApiClosed`."""
    api = find_api(address)
    return StudiesClient(api, token=_find_token(api))


def open_preannotations(address: str) -> PreannotationsClient:
    """The Pantile that is meant, with what it hands out to be corrected; raises `ApiUnknown`, `ApiClosed`."""
    api = find_api(address)
    return PreannotationsClient(api, token=_find_token(api))


def open_imports(address: str) -> ImportsClient:
    """The Pantile that is meant, to take in work done elsewhere; raises `ApiUnknown`, `ApiClosed`."""
    api = find_api(address)
    return ImportsClient(api, token=_find_token(api))


def _find_token(api: str) -> str:
    """PANTILE_API_TOKEN, else the token of the stack that runs here, which goes to no other; empty where there is none.

    There is no option for it: command lines are seen by all users of a machine, and kept in histories.
    """
    settings = read_settings()
    if given := settings.api_token.get_secret_value():
        return given
    stack = find_stack(settings.home)
    return stack.credentials.api_token if stack is not None and check_address(api) == stack.url("web") else ""


def server_settings() -> Settings:
    """Settings for what talks to the servers itself: as set, or those of the stack that runs here.

    Raises:
        SettingRefused: no database is named, and no stack runs here.
    """
    settings = read_settings()
    if settings.database_url.get_secret_value():
        return settings
    stack = find_stack(settings.home)
    if stack is None:
        raise SettingRefused("PANTILE_DATABASE_URL is not set, and no stack runs here (`pantile up` starts one)")
    return stack.settings()
