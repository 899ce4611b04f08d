"""Manifests that are made to fill the memory are refused in one short sentence, before they do."""

import subprocess
import sys

import pytest
from fastapi.exceptions import RequestValidationError

from pantile.domain.cohorts import MAX_ROWS
from pantile.domain.errors import ManifestRefused
from pantile.domain.settings_asked import SettingsAsked
from pantile.web.errors import describe_invalid
from pantile.web.manifests import Manifest, read_csv, read_json

_MIB = 1 << 20


def read(body: bytes) -> Manifest:
    """The manifest in a body, by how it begins."""
    if body[:1] in {b"{", b"["}:
        return read_json(body)
    return read_csv(body, cohort="C", mpp=1.0, segmenters="", settings=SettingsAsked())


def refusal(body: bytes) -> str:
    """The sentence with which a body is refused."""
    try:
        read(body)
    except ManifestRefused as error:
        return error.detail
    except RequestValidationError as error:
        return describe_invalid(error.errors())
    raise AssertionError("it was taken")


def test_as_many_rows_as_are_allowed_are_taken_and_no_more() -> None:
    row = b"s3://study/%d.jpg\n"
    body = b"path\n" + b"".join(row % number for number in range(MAX_ROWS))

    assert len(read(body).rois) == MAX_ROWS
    assert refusal(body + row % MAX_ROWS) == "it has more rows than the 100,000 that are taken at once"


def test_a_million_lines_are_refused() -> None:
    assert "more values than the 100,000 ROIs" in refusal(b"path,mpp\n" + b"s3://study/a.jpg,1\n" * 1_000_000)


@pytest.mark.parametrize(
    "body",
    [
        b"path\n" + b"\n" * 2_000_000,
        b"path" + b",path" * 2_000_000,
        b'{"segmenters": [' + b'"a",' * 2_000_000 + b'"a"]}',
        b"{" + b",".join(b'"%d":0' % number for number in range(300_000)) + b"}",
        b'{"rois": [' + b"{}," * 200_000 + b"{}]}",
        b'{"rois": [' + b'{"path": "a", "mpp": 1},' * 200_000 + b'{"path": "a"}]}',
        b'{"rois": ' * 100_000,
        b'{"rois": [{"path": "a", "bytes": ' + b"9" * _MIB + b"}]}",
        b'{"rois": [{"path": "' + b"a" * _MIB + b'"}]}',
        b'{"rois": [{"path": "s3://s/a", "bytes": 9223372036854775808}]}',
        b'{"rois": [{"path": "s3://s/a", "mpp": 1e999}]}',
        b'path,case\ns3://s/a,"' + b"a" * _MIB + b'"\n',
    ],
)
def test_bombs_are_refused_in_one_short_sentence(body: bytes) -> None:
    assert len(refusal(body)) < 200


def test_the_last_of_two_fields_of_one_name_counts() -> None:
    body = b'{"cohort": "A", "cohort": "B", "rois": [{"path": "s3://s/a.jpg", "mpp": 9, "mpp": 1}]}'

    (roi,) = read(body).rois

    assert (roi.row.cohort, roi.row.mpp) == ("B", 1.0)


_MEASURE = """
import resource, sys
from tests.unit.pantile.web.test_manifests import refusal
body = eval(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
refusal(body)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(
    "bomb",
    [
        r"b'{' + b','.join(b'\"%d\":0' % number for number in range(1_190_000)) + b'}'",
        r"b'{\"rois\": [' + b'{},' * 1_190_000 + b'{}]}'",
        r"b'path' + b',path' * 1_190_000",
        r"b'path\n' + '\U0001f600\n'.encode() * 1_190_000",
    ],
)
def test_no_bomb_that_may_be_parsed_takes_more_than_300_mib(bomb: str) -> None:
    grown = subprocess.run([sys.executable, "-c", _MEASURE, bomb], capture_output=True, text=True, check=True).stdout

    assert int(grown) * (1 if sys.platform == "darwin" else 1024) < 300 * _MIB
