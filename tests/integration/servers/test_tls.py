"""TLS as profiles set it up: what is accepted, what is refused, and what `profile test` says about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.errors import ConfigError
from sidekiq_tui.servers import connection, diagnose
from sidekiq_tui.servers.profile import Profile, Tls
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from tests.support.tls import OPENSSL, Certificates, Port, make_certificates, server_context

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="makes its certificates with the openssl program")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def plain(redis_server: EmbeddedRedis, redis_url: str) -> AsyncIterator[Port]:
    async with Port(redis_server.socket) as port:
        yield port


@pytest.fixture
async def secure(redis_server: EmbeddedRedis, redis_url: str, certificates: Certificates) -> AsyncIterator[Port]:
    async with Port(redis_server.socket, server_context(certificates)) as port:
        yield port


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 2.0)
    monkeypatch.setattr(connection, "READ_TIMEOUT", 2.0)


def profile(port: Port, tls: Tls | None, host: str = "127.0.0.1") -> Profile:
    return Profile(name="a", host=host, port=port.port, tls=tls)


async def reach(profile: Profile) -> None:
    server = Server(profile)
    try:
        await server.overview()
    finally:
        await server.close()


async def test_the_ways_to_trust(secure: Port, certificates: Certificates) -> None:
    ca = certificates.ca
    await reach(profile(secure, Tls(ca_file=ca, server_hostname="redis.internal")))
    await reach(profile(secure, Tls(verify="ca", ca_file=ca)))
    await reach(profile(secure, Tls(verify="none")))
    for tls, said in (
        (Tls(), "not trusted"),
        (Tls(verify="ca"), "not trusted"),
        (Tls(ca_file=ca), "for another name"),
        (Tls(ca_file=ca, server_hostname="other.internal"), "for another name"),
    ):
        with pytest.raises(ServerUnreachable, match=said):
            await reach(profile(secure, tls))


async def test_a_client_certificate(redis_server: EmbeddedRedis, redis_url: str, certificates: Certificates) -> None:
    async with Port(redis_server.socket, server_context(certificates, client_needed=True)) as port:
        tls = Tls(verify="ca", ca_file=certificates.ca)
        with pytest.raises(ServerUnreachable):
            await reach(profile(port, tls))
        certificate, key = certificates.pair("client")
        await reach(profile(port, replace(tls, cert_file=certificate, key_file=key)))


async def test_files_that_are_none_are_named_before_connecting(certificates: Certificates) -> None:
    for tls, said in (
        (Tls(ca_file="/nowhere/ca.pem"), "tls.ca_file /nowhere/ca.pem"),
        (Tls(ca_file=certificates.pair("server")[1]), "tls.ca_file"),
        (Tls(cert_file="/nowhere/c.pem"), "tls.cert_file /nowhere/c.pem"),
        (Tls(cert_file=certificates.ca, key_file=certificates.pair("client")[1]), "tls.cert_file"),
    ):
        with pytest.raises(ConfigError, match=said):
            await reach(Profile(name="a", host="127.0.0.1", port=1, tls=tls))


async def test_the_test_knows_tls_from_plain(
    secure: Port, plain: Port, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def said(profile: Profile) -> str:
        result = await diagnose.diagnose(profile)
        return " ".join(f"{finding.text} {finding.hint}" for finding in result.findings)

    assert "wants TLS write rediss://" in await said(profile(secure, None))
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 0.5)
    assert "answers without TLS write redis://" in await said(profile(plain, Tls()))
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 2.0)
    assert "not trusted" in await said(profile(secure, Tls()))
    assert "another name" in await said(profile(secure, Tls(ca_file=certificates.ca)))
    assert "checks nothing" in await said(profile(secure, Tls(verify="none")))
