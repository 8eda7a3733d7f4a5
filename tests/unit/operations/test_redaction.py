"""What must not leave a server is replaced wherever it stands, and all other bytes stay."""

from __future__ import annotations

import json

import pytest

from sidekiq_tui.operations.redaction import redacted
from sidekiq_tui.sidekiq.errors import InvalidJob

NEW = "redacted@example.invalid"


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (b'"anna@example.com"', NEW),
        (b'"an\\u006ea\\u0040example.com"', NEW),
        (b'"mailto:a.b+c@d-e.example.org, x"', f"mailto:{NEW}, x"),
        (b'"anna%40example.com"', NEW),
        (b'{"anna@example.com": [1]}', {NEW: [1]}),
        (b'"\\"anna@example.com\\""', f'"{NEW}"'),
    ],
)
def test_addresses_are_found_however_they_are_written(value: bytes, made: object) -> None:
    found = redacted(b'{"class":"A", "args":[%b ,1.0] , "jid":"x@y.z"}' % value, ("email",))
    assert found.changed == 1
    assert json.loads(found.raw) == {"class": "A", "args": [made, 1.0], "jid": "x@y.z"}
    assert found.raw.startswith(b'{"class":"A", "args":[')
    assert found.raw.endswith(b' ,1.0] , "jid":"x@y.z"}')


@pytest.mark.parametrize("raw", [b'{"args":["no address", "@", "a @ b", 1e3]}', b'{"class":"a@b.c","queue":"q@x.y"}'])
def test_what_is_none_stays_byte_for_byte(raw: bytes) -> None:
    assert redacted(raw, ("email",)) == (raw, 0)


def test_a_compressed_backtrace_is_left_out() -> None:
    assert redacted(b'{"args":[],"error_backtrace":"eJyL"}', ("email",)) == (b'{"args":[]}', 1)
    assert redacted(b'{"error_backtrace":["a@b.cd"]}', ("email",)).raw == b'{"error_backtrace":["%b"]}' % NEW.encode()


def test_rules_of_ones_own() -> None:
    assert redacted(b'{"args":["4111111111111111"]}', (r"\d{16}",)).raw == b'{"args":["[redacted]"]}'
    with pytest.raises(InvalidJob, match="no rule"):
        redacted(b"{}", ("(",))
    with pytest.raises(InvalidJob, match="cannot be redacted"):
        redacted(b"[]", ("email",))
