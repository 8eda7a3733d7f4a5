"""Addresses as URLs: what is understood, what is refused, and that no message repeats a password."""

from __future__ import annotations

import copy
import pickle

import pytest

from sidekiq_tui.errors import UsageError
from sidekiq_tui.servers.profile import Profile, Secret, Tls


@pytest.mark.parametrize(
    ("url", "address", "endpoint"),
    [
        ("redis://localhost", "localhost:6379/0", "localhost:6379"),
        ("redis://example.com:6380/4", "example.com:6380/4", "example.com:6380"),
        ("redis:///3", "localhost:6379/3", "localhost:6379"),
        ("redis://h?db=7", "h:6379/7", "h:6379"),
        ("valkey://h", "h:6379/0", "h:6379"),
        ("redis://[::1]:7000/1", "[::1]:7000/1", "[::1]:7000"),
        ("unix:///run/redis.sock", "/run/redis.sock", "/run/redis.sock"),
        ("unix:///run/a%20b.sock?db=2", "/run/a b.sock?db=2", "/run/a b.sock"),
        ("REDIS://User:pw@Host/1", "host:6379/1", "host:6379"),
    ],
)
def test_an_address_names_the_server_without_credentials(url: str, address: str, endpoint: str) -> None:
    profile = Profile.from_url(url)
    assert (profile.name, profile.address, profile.endpoint) == (address, address, endpoint)
    assert profile.tls is None


def test_user_and_password_are_decoded_and_hidden() -> None:
    profile = Profile.from_url("rediss://side%40kiq:p%3Aw%2F%23@h:1/0", "prod")
    assert (profile.name, profile.username) == ("prod", "side@kiq")
    assert profile.password is not None
    assert profile.password.reveal() == "p:w/#"
    assert "p:w/#" not in repr(profile) + str(profile.password)
    assert Profile.from_url("redis://:pw@h").username is None


def test_a_secret_cannot_be_serialised() -> None:
    secret = Secret("hunter2")
    for save in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            save(secret)


@pytest.mark.parametrize(
    ("query", "tls"),
    [
        ("", Tls()),
        ("?ssl_cert_reqs=none", Tls(verify="none")),
        ("?ssl_check_hostname=False", Tls(verify="ca")),
        ("?ssl_ca_certs=/ca&ssl_certfile=/c&ssl_keyfile=/k", Tls(ca_file="/ca", cert_file="/c", key_file="/k")),
    ],
)
@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_tls_options(scheme: str, query: str, tls: Tls) -> None:
    profile = Profile.from_url(f"{scheme}://h{query}")
    assert profile.tls == tls
    assert profile.insecure == (tls.verify == "none")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:6379", "redis://"),
        ("reddis://h", "redis://"),
        ("http://h", "redis://"),
        ("", "redis://"),
        ("redis:h", "redis://"),
        ("redis://h:port", "%2F"),
        ("redis://h:99999", "%2F"),
        ("redis://:hunter2/x@h", "%2F"),
        ("redis://:hunter2#x@h", "%23"),
        ("redis://:hunter2?x@h", "%3F"),
        ("redis://[::1", "%2F"),
        ("redis://h/zero", "number"),
        ("redis://h/-1", "number"),
        ("redis://h/1?db=1", "twice"),
        ("redis://h?db=1&db=2", "twice"),
        ("redis://h?ssl_cert_reqs=none", "rediss://"),
        ("rediss://h?ssl_cert_req=none", "ssl_cert_reqs"),
        ("rediss://h?ssl_cert_reqs=maybe", "required"),
        ("redis://h?password=hunter2", "before the host"),
        ("redis://h?timeout=3", "known:"),
        ("unix://relative/path", "full path"),
        ("unix://", "full path"),
    ],
)
def test_what_is_not_understood_is_said_without_the_password(url: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Profile.from_url(url)
    text = f"{caught.value.message} {caught.value.hint}"
    assert said in text
    assert "hunter2" not in text
