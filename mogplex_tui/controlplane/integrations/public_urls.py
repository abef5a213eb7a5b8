"""Validate URLs of connections, which must name public hosts (library.md §8.3)."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import SplitResult, quote, urlsplit

_SUFFIXES = (".localhost", ".local", ".localdomain", ".internal", ".home.arpa", ".lan")
_NUMBER = re.compile(r"(0x[0-9a-f]*|\d+)", re.IGNORECASE | re.ASCII)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_KEPT = "%/:@!$&'()*+,;=~-._?[]|"


class UnsafeUrlError(Exception):
    """A URL that is not allowed; the message starts with the name of its field."""


def parsed_url(text: str, name: str, private: bool = False) -> str:
    """Return a URL in normalised form.

    Raises UnsafeUrlError for a URL that is not allowed; its message starts with `name`, the name
    of the field. With `private`, hosts of this machine and of the local network are allowed.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UnsafeUrlError(f"{name} must be a valid URL") from None
    if not parts.scheme:
        raise UnsafeUrlError(f"{name} must be a valid URL")
    if parts.scheme not in _DEFAULT_PORTS:
        raise UnsafeUrlError(f"{name} must use http or https")
    if not host:
        raise UnsafeUrlError(f"{name} must be a valid URL")
    host, address = _host(host, name)
    if not private and not _is_public(host, address):
        raise UnsafeUrlError(f"{name} must target a public host")
    return _written(parts, f"[{host}]" if ":" in host else host, port)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _host(host: str, name: str) -> tuple[str, Address | None]:
    """Return the normalised host, and its IP address or None.

    IPv4 addresses are recognised in every spelling that browsers accept.
    """
    try:
        if ":" in host:
            address: Address = ipaddress.ip_address(host)
            return str(address), address
        host = host.encode("idna").decode("ascii").lower()
        labels = host.rstrip(".").split(".")
        if _NUMBER.fullmatch(labels[-1]):
            address = ipaddress.IPv4Address(socket.inet_aton(".".join(labels)))
            return str(address), address
    except (ValueError, OSError):
        raise UnsafeUrlError(f"{name} must be a valid URL") from None
    if not _HOST.fullmatch(host):
        raise UnsafeUrlError(f"{name} must be a valid URL")
    return host, None


def _is_public(host: str, address: Address | None) -> bool:
    if address is not None:
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_global
    bare = host.rstrip(".")
    return bare != "localhost" and not bare.endswith(_SUFFIXES)


def _written(parts: SplitResult, host: str, port: int | None) -> str:
    userinfo = parts.netloc.rpartition("@")[0]
    authority = f"{userinfo}@{host}" if userinfo else host
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        authority += f":{port}"
    url = f"{parts.scheme}://{authority}{quote(parts.path or '/', safe=_KEPT)}"
    if parts.query:
        url += "?" + quote(parts.query, safe=_KEPT)
    return url + ("#" + quote(parts.fragment, safe=_KEPT) if parts.fragment else "")
