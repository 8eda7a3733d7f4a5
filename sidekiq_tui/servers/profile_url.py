"""Addresses of Redis as URLs. What is wrong with one is said without repeating it: it may hold a password."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sidekiq_tui.errors import UsageError
from sidekiq_tui.servers.profile import DEFAULT_PORT, Origin, Profile, Secret, Tls, Verify

SCHEMES: Final[Mapping[str, str]] = {
    "redis": "redis",
    "valkey": "redis",
    "rediss": "rediss",
    "valkeys": "rediss",
    "unix": "unix",
}
"""Also Valkey's own spelling of the same protocol."""
_TLS_OPTIONS: Final = ("ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OPTIONS: Final = ("db", "namespace", *_TLS_OPTIONS)
_EXAMPLE: Final = "redis://HOST:6379/0, rediss:// for TLS, unix:///path/to/redis.sock"
_ENCODE: Final = "a / ? # @ or : in a password must be written as %2F %3F %23 %40 %3A"


def parse_url(url: str, name: str | None = None, origin: Origin = "url") -> Profile:
    """A profile named `name`, or after its address. Raises `UsageError` for anything it does not understand."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError("the URL's host or port makes no sense", hint=f"{_ENCODE}; e.g. {_EXAMPLE}") from None
    scheme = _scheme(url, parts)
    if parts.fragment or "#" in url:
        raise UsageError("the URL has a '#'", hint=_ENCODE)
    options = _options(parts.query)
    tls = _tls(options, scheme)
    user = unquote(parts.username) if parts.username else None
    password = Secret(unquote(parts.password)) if parts.password else None
    if scheme == "unix":
        path = unquote(parts.path)
        if parts.hostname or not path.strip("/"):
            raise UsageError("a unix URL needs the socket's full path", hint="e.g. unix:///run/redis.sock?db=0")
        place = Profile(name="", socket=path, database=_database(options.get("db", "0")))
    else:
        stated = [text for text in (parts.path.strip("/"), options.get("db")) if text]
        if len(stated) > 1:
            raise UsageError("the URL names the database twice, in its path and as ?db=")
        host = unquote(parts.hostname or "localhost")
        place = Profile(name="", host=host, port=port or DEFAULT_PORT, database=_database(stated[0] if stated else "0"))
    return Profile(
        name=place.address if name is None else name,
        host=place.host,
        port=place.port,
        socket=place.socket,
        database=place.database,
        username=user,
        password=password,
        tls=tls,
        namespace=options.get("namespace", ""),
        origin=origin,
    )


def _scheme(url: str, parts: SplitResult) -> str:
    found = SCHEMES.get(parts.scheme)
    if found is not None and url[len(parts.scheme) :].startswith("://"):
        return found
    near = difflib.get_close_matches(parts.scheme, SCHEMES, n=1)
    hint = f"did you mean {near[0]}://?" if near and parts.netloc else f"write it as {_EXAMPLE}"
    raise UsageError("the URL does not begin with redis://, rediss:// or unix://", hint=hint)


def _options(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in _OPTIONS:
            if key in ("password", "username"):
                raise UsageError(f"the URL's option {key} belongs before the host", hint="redis://USER:PASSWORD@HOST")
            near = difflib.get_close_matches(key, _OPTIONS, n=1)
            shown = key if key.isidentifier() and len(key) <= 40 else "after the '?'"
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_OPTIONS)}; {_ENCODE}"
            raise UsageError(f"the URL has an unknown option {shown}", hint=hint)
        if key in found:
            raise UsageError(f"the URL has the option {key} twice")
        found[key] = value
    return found


def _database(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise UsageError("the URL's database is not a number", hint=f"{_ENCODE}; e.g. {_EXAMPLE}")
    return int(text)


def _tls(options: Mapping[str, str], scheme: str) -> Tls | None:
    if scheme != "rediss":
        misplaced = next((key for key in options if key in _TLS_OPTIONS), None)
        if misplaced is not None:
            raise UsageError(f"the URL's option {misplaced} is for TLS only", hint="write rediss:// instead")
        return None
    return Tls(
        verify=_verify(options),
        ca_file=options.get("ssl_ca_certs") or None,
        cert_file=options.get("ssl_certfile") or None,
        key_file=options.get("ssl_keyfile") or None,
    )


def _verify(options: Mapping[str, str]) -> Verify:
    requirement = options.get("ssl_cert_reqs", "required").lower()
    check_name = options.get("ssl_check_hostname", "true").lower()
    if requirement not in ("required", "none"):
        raise UsageError("the URL's ssl_cert_reqs is neither required nor none")
    if check_name not in ("true", "false", "yes", "no", "1", "0"):
        raise UsageError("the URL's ssl_check_hostname is neither true nor false")
    if requirement == "none":
        return "none"
    return "full" if check_name in ("true", "yes", "1") else "ca"
