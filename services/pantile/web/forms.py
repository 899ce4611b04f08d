"""Forms of our own pages: their fields, and the proof that it was a page of this session's that sent them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request

from pantile.domain.errors import InputRefused, NotAllowed
from pantile.web.cookies import is_csrf_token, session_secret

_MAX_BYTES, _MAX_FIELDS = 256 << 10, 2000
_STRANGERS_BYTES, _STRANGERS_FIELDS = 16 << 10, 10
_MAX_NUMBER = 18
"""Digits of a number that is read at all."""


class FormRefused(InputRefused):
    """The form cannot be taken."""


class Form:
    """The fields of a form, each with the values that it was sent with."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def get(self, name: str, default: str = "") -> str:
        """The last value of a field, without the spaces around it."""
        return self._fields.get(name, [default])[-1].strip()

    def raw(self, name: str) -> str:
        """The last value of a field as it was sent, for passwords."""
        return self._fields.get(name, [""])[-1]

    def all(self, name: str) -> list[str]:
        """Every value of a field that is not empty."""
        return [value.strip() for value in self._fields.get(name, []) if value.strip()]

    def number(self, name: str) -> int | None:
        """A whole number, None where the field is empty; raises `FormRefused`."""
        text = self.get(name)
        if not text:
            return None
        if not text.isdecimal() or len(text) > _MAX_NUMBER:
            raise FormRefused(f"{name.replace('_', ' ')} has to be a whole number, not {text[:40]!r}")
        return int(text)

    def decimal(self, name: str) -> float | None:
        """A decimal number, None where the field is empty; raises `FormRefused`."""
        text = self.get(name)
        try:
            return float(text) if text else None
        except ValueError as error:
            raise FormRefused(f"{name.replace('_', ' ')} has to be a number, not {text[:40]!r}") from error


async def read_form(request: Request, *, max_bytes: int, max_fields: int) -> Form:
    """The fields of a form; raises `NotAllowed` for one that is larger than that, or none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise NotAllowed("the form is too large")
    try:
        return Form(parse_qs(body.decode(), keep_blank_values=True, max_num_fields=max_fields))
    except ValueError as error:
        raise NotAllowed("the form cannot be read") from error


async def _read_strangers_form(request: Request) -> Form:
    return await read_form(request, max_bytes=_STRANGERS_BYTES, max_fields=_STRANGERS_FIELDS)


GivenForm = Annotated[Form, Depends(_read_strangers_form)]
"""Anybody's form, a small one: the handler checks whose it is."""


def check_form(form: Form, secret: str) -> None:
    """Raises `NotAllowed` for a form that did not come from a page of whoever holds this secret."""
    if not is_csrf_token(form.get("csrf_token"), secret):
        raise NotAllowed("the form is not from a page of yours; load the page again")


async def own_form(request: Request) -> Form:
    """The form, if it came from a page of this session's; raises `NotAllowed`."""
    form = await read_form(request, max_bytes=_MAX_BYTES, max_fields=_MAX_FIELDS)
    check_form(form, session_secret(request))
    return form


OwnForm = Annotated[Form, Depends(own_form)]
"""A form that came from a page of this session's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A form with a file: its fields, and the file's name and content, which are empty where none was chosen."""

    form: Form
    name: str
    content: bytes


async def own_upload(request: Request) -> Upload:
    """A form with one file, if it came from a page of this session's; raises `NotAllowed`."""
    async with request.form(max_files=1, max_fields=_STRANGERS_FIELDS, max_part_size=_STRANGERS_BYTES) as sent:
        fields = {name: [value] for name, value in sent.items() if isinstance(value, str)}
        form = Form(fields)
        check_form(form, session_secret(request))
        files = [value for value in sent.values() if not isinstance(value, str)]
        if not files:
            return Upload(form=form, name="", content=b"")
        return Upload(form=form, name=files[0].filename or "", content=await files[0].read())


OwnUpload = Annotated[Upload, Depends(own_upload)]
"""A form with a file that came from a page of this session's."""
