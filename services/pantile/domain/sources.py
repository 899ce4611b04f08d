"""Sources: the addresses that submissions name for images, and which of them workers may ask.

Whoever may submit chooses where workers connect to, from inside the network in which they run. So workers connect to
public addresses only, and beyond these to what the setting `fetch_allow` names.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

LOOPBACK = "127.0.0.0/8,::1"
"""What the embedded stack allows: servers of the one machine that it runs on."""

_S3 = "s3://"
_NOT_IN_NAMES = frozenset("/:@*? ")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA has given out of IPv6 for the internet
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedSources:
    """Networks, hosts and buckets that may be asked besides public addresses and the system's own bucket."""

    networks: tuple[IpNetwork, ...]
    hosts: frozenset[str]
    buckets: frozenset[str]

    def admits(self, host: str, address: IpAddress) -> bool:
        """Whether a worker may connect to this address, to which this host's name has led."""
        if is_public(address) or _plain(host) in self.hosts:
            return True
        return any(each in network for each in (address, _meant(address)) for network in self.networks)


def parse_allowed(text: str) -> AllowedSources:
    """The sources in `10.0.0.0/8,images.example.org,s3://study`; raises ValueError for what is none of the three."""
    items = [item.strip() for item in text.split(",") if item.strip()]
    buckets = {item[len(_S3) :].rstrip("/") for item in items if _is_s3(item)}
    others = [item for item in items if not _is_s3(item)]
    hosts = {_plain(item) for item in others if not _is_network(item)}
    for name in (*buckets, *hosts):
        if not name or _NOT_IN_NAMES & set(name):
            raise ValueError(f"{name!r} is neither a network nor a host nor an s3://bucket")
    networks = tuple(ip_network(item) for item in others if _is_network(item))
    return AllowedSources(networks=networks, hosts=frozenset(hosts), buckets=frozenset(buckets))


def is_public(address: IpAddress) -> bool:
    """Whether an address belongs to the internet at large, by IANA's registries of special addresses.

    Private, loopback, link-local (with the metadata of clouds), shared (100.64.0.0/10), multicast and reserved ones do
    not; an IPv6 address that leads to an IPv4 one is what that is.
    """
    meant = _meant(address)
    if isinstance(meant, IPv6Address):
        return meant in _GLOBAL_UNICAST and meant.is_global
    return meant.is_global and not (meant.is_multicast or meant.is_reserved)


def split_s3(source: str) -> tuple[str, str]:
    """Bucket and key of an `s3://bucket/key` address; either may be empty."""
    bucket, _, key = source[len(_S3) :].partition("/")
    return bucket, key


def _is_s3(text: str) -> bool:
    return text.lower().startswith(_S3)


def _is_network(item: str) -> bool:
    """Whether this is meant as addresses: no host's name is digits and dots, or has a slash or a colon."""
    return "/" in item or ":" in item or item.replace(".", "").isdigit()


def _plain(host: str) -> str:
    return host.lower().removesuffix(".")


def _meant(address: IpAddress) -> IpAddress:
    """The IPv4 address to which an IPv6 one leads (mapped, 6to4, NAT64), or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address
