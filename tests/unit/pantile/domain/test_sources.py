"""Which addresses workers may ask on behalf of strangers."""

from ipaddress import ip_address

import pytest

from pantile.domain.sources import is_public, parse_allowed, split_s3


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104 — an address like the others
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",  # shared by providers, and by clouds for their own services
        "169.254.169.254",  # the metadata of clouds
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_special_addresses_are_not_public_in_any_spelling(address: str) -> None:
    assert not is_public(ip_address(address))


def test_a_network_is_allowed_in_both_spellings_and_no_other() -> None:
    allowed = parse_allowed("10.0.0.0/8, 127.0.0.1")

    assert allowed.admits("pacs", ip_address("10.9.8.7"))
    assert allowed.admits("pacs", ip_address("::ffff:10.9.8.7"))
    assert allowed.admits("localhost", ip_address("127.0.0.1"))
    assert not allowed.admits("localhost", ip_address("127.0.0.2"))


def test_a_host_is_allowed_by_its_whole_name_wherever_it_leads() -> None:
    allowed = parse_allowed("Images.example.org")

    assert allowed.admits("images.EXAMPLE.org.", ip_address("10.9.8.7"))
    assert not allowed.admits("example.org", ip_address("10.9.8.7"))
    assert not allowed.admits("images.example.org.evil.net", ip_address("10.9.8.7"))


def test_buckets_are_allowed_by_name() -> None:
    assert parse_allowed("s3://study/,S3://archive").buckets == {"study", "archive"}


def test_nothing_is_allowed_by_default_but_public_addresses() -> None:
    allowed = parse_allowed("")

    assert allowed.admits("example.org", ip_address("93.184.215.14"))
    assert not allowed.admits("localhost", ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "10.0.0.300", "http://host", "*.example.org", "host:80", "s3://", "s3://a/b"]
)
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"host|network|address"):
        parse_allowed(text)


def test_an_s3_address_is_a_bucket_and_a_key_however_its_scheme_is_written() -> None:
    assert split_s3("S3://study/a/b.jpg") == ("study", "a/b.jpg")
    assert split_s3("s3://study") == ("study", "")
