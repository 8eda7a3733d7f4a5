"""TLS in front of a plain Redis, and the certificates for it: the bundled server speaks none itself."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

OPENSSL = shutil.which("openssl")


@dataclass(frozen=True)
class Certificates:
    """An authority, a server certificate for `redis.internal` and 127.0.0.1's absence, and a client certificate."""

    folder: Path

    @property
    def ca(self) -> str:
        return str(self.folder / "ca.pem")

    def pair(self, name: str) -> tuple[str, str]:
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")


def make_certificates(folder: Path) -> Certificates:
    """Needs the `openssl` program; takes a fraction of a second."""
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test CA", "-keyout",
             folder / "ca.key", "-out", folder / "ca.pem", "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    for name, alternative in (("server", "DNS:redis.internal"), ("client", "DNS:client")):
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
                 "-out", folder / f"{name}.csr")  # fmt: skip
        extensions = folder / f"{name}.ext"
        extensions.write_text(
            f"subjectAltName={alternative}\nauthorityKeyIdentifier=keyid\nkeyUsage=critical,digitalSignature\n"
        )
        _openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
                 "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", folder / f"{name}.pem")  # fmt: skip
    return Certificates(folder)


def _openssl(*words: str | Path) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *map(str, words)], check=True, capture_output=True)


class Port:
    """A TCP port on 127.0.0.1 that leads to a Unix socket, through TLS if a context is given."""

    def __init__(self, target: Path, context: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Port:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._target)
        try:
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        finally:
            writer.close()
            inner_writer.close()
            self._tasks.discard(task)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


def server_context(certificates: Certificates, *, client_needed: bool = False) -> ssl.SSLContext:
    """A server's side of TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificates.pair("server"))
    if client_needed:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates.ca)
    return context
