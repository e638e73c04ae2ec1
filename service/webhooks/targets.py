"""Where deliveries may go: by default to addresses of the public Internet only.

Whoever may make webhooks could otherwise have the service call what only it can reach: a neighbour without a password,
the metadata of the cloud's machine.
"""

import ipaddress
import socket
from typing import Any, Final

_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
_IPV4_BITS: Final = 0xFFFFFFFF


class ForbiddenTarget(OSError):
    """The address is none of the public Internet."""


def address_of(host: str) -> str:
    """The IPv4 address that a host is a form of, short ones as 127.1, 2130706433 and 0x7f.1 too; else the host."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public Internet, and so is the IPv4 address that it may stand for.

    Raises:
        ValueError: it is no IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        meant = ip.ipv4_mapped or ip.sixtofour
        if ip in _TRANSLATED:
            meant = ipaddress.IPv4Address(int(ip) & _IPV4_BITS)
        if meant is None:
            return ip in _GLOBAL_UNICAST and ip.is_global
        ip = meant
    return ip.is_global and not ip.is_multicast


def public_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket for a connection to an address, as `getaddrinfo` gave it.

    The connector calls it with the very address it is about to connect to: a name that leads elsewhere the second time
    it is looked up, and an address that was no name, are seen here too.

    Raises:
        ForbiddenTarget: the address is not public.
    """
    family, kind, protocol, _, place = address
    if not is_public(place[0]):
        raise ForbiddenTarget("The address is not public.")
    return socket.socket(family, kind, protocol)
