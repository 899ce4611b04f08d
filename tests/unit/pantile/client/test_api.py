"""Addresses are taken as people write them; where nobody answers, a sentence says so."""

import socket

import pytest

from pantile.client.api import ApiClient, check_address
from pantile.domain.errors import ApiDown


@pytest.mark.parametrize(
    ("given", "meant"),
    [("localhost:8800", "http://localhost:8800"), ("https://pantile.example/", "https://pantile.example")],
)
def test_an_address_may_lack_its_scheme(given: str, meant: str) -> None:
    assert check_address(given) == meant


@pytest.mark.parametrize("given", ["ftp://host", "http://", "http://host:99999", "http://[::1"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ApiDown, match="is no http"):
        check_address(given)


def test_nobody_at_the_address_is_a_sentence_with_a_way_out() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with ApiClient(f"127.0.0.1:{port}") as client, pytest.raises(ApiDown, match="`pantile up`"):
        client.segmenters()
