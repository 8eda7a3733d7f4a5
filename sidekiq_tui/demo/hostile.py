"""Job payloads that try to break out of whatever shows them. Real Redis databases hold such things, too."""

from __future__ import annotations

from typing import Any, Final

from sidekiq_tui.demo.payloads import dumps

TEXTS: Final = (
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x1b]52;c;cm0gLXJmIH4=\x07",
    "\x1b]0;not your terminal\x07",
    "\x1b]8;;http://evil.example/\x1b\\click\x1b]8;;\x1b\\",
    "\x9b31mC1\x9d0;title\x9c",
    "nul\x00bell\x07back\x08\x08del\x7f",
    "\u202etxt.exe\u202c \u2066isolated\u2069",
    "zero\u200bwidth\u2060joiner\ufeff",
    "line\nfeed\rreturn\u2028separator",
    "[@click=app.quit]quit[/] [bold red]markup[/",
    '=HYPERLINK("http://evil.example")',
    "漢字かな交じり文 👩‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿 e" + "\u0301" * 30,
)
BIG: Final = 1_000_000  # bytes of the biggest argument


def payloads(created_at: float | int, queue: str) -> list[bytes]:
    """Hostile jobs of a queue: control sequences everywhere, wrong types, and bytes that are no job at all."""
    jobs = [_job(text, created_at, queue, number) for number, text in enumerate(TEXTS)]
    wrong: list[Any] = [None, "text", {"a": 1}, 7]
    jobs += [dumps(_fields("WrongArgs", value, created_at, queue, 100 + at)) for at, value in enumerate(wrong)]
    big = dumps(_fields("Imports::HugeArgumentJob", ["x" * BIG], created_at, queue, 200))
    latin = dumps(_fields("Latin1Job", ["CAFE"], created_at, queue, 201)).replace(b"CAFE", b"caf\xe9 \xff\xfe")
    deep = dumps(_fields("DeepJob", ["DEEP"], created_at, queue, 202)).replace(b'"DEEP"', b"[" * 200 + b"]" * 200)
    nothing = [
        b"not json \x1b]52;c;aGk=\x07",
        b"\x80\x04\x95\x0f\x00",
        b"null",
        b"[]",
        b"{}",
        b'{"class":"Cut","args":[1,',
    ]
    return [*jobs, big, latin, deep, *nothing]


def _job(text: str, created_at: float | int, queue: str, number: int) -> bytes:
    fields = _fields(f"Evil{text}Job", [text, {text: [text]}], created_at, queue, number)
    extra = {"tags": [text], "error_class": text, "error_message": text, "failed_at": created_at, "retry_count": number}
    return dumps(fields | extra)


def _fields(name: str, args: object, created_at: float | int, queue: str, number: int) -> dict[str, Any]:
    return {
        "retry": True,
        "queue": queue,
        "args": args,
        "class": name,
        "jid": f"bad{number:021x}",
        "created_at": created_at,
        "enqueued_at": created_at,
    }
