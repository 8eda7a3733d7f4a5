"""Middleware: what stands round a push or round a job, in order, and may change or stop it (protocol 14.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Generic, TypeVar

R = TypeVar("R")

Next = Callable[[], Awaitable[R]]
Middleware = Callable[..., Awaitable[R]]
"""Called with what the chain is invoked with and, last, `call_next`; returns what that returned, or None to stop."""


class MiddlewareChain(Generic[R]):
    """An ordered list without doubles: adding what is there already moves it (middleware/chain.rb)."""

    def __init__(self, *middleware: Middleware[R]) -> None:
        self._entries: list[Middleware[R]] = list(middleware)

    def __iter__(self) -> Iterator[Middleware[R]]:
        return iter(self._entries)

    def __contains__(self, middleware: object) -> bool:
        return middleware in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def copy(self) -> MiddlewareChain[R]:
        """The same middleware in a chain of its own."""
        return MiddlewareChain(*self._entries)

    def add(self, middleware: Middleware[R]) -> None:
        """Puts it last, innermost."""
        self.remove(middleware)
        self._entries.append(middleware)

    def prepend(self, middleware: Middleware[R]) -> None:
        """Puts it first, outermost."""
        self.remove(middleware)
        self._entries.insert(0, middleware)

    def insert_before(self, other: Middleware[R], middleware: Middleware[R]) -> None:
        """Puts it right before another one; first if that is not there."""
        self.remove(middleware)
        self._entries.insert(self._entries.index(other) if other in self._entries else 0, middleware)

    def insert_after(self, other: Middleware[R], middleware: Middleware[R]) -> None:
        """Puts it right after another one; last if that is not there."""
        self.remove(middleware)
        after = self._entries.index(other) if other in self._entries else len(self._entries) - 1
        self._entries.insert(after + 1, middleware)

    def remove(self, middleware: Middleware[R]) -> None:
        """Takes it out if it is there."""
        self._entries = [entry for entry in self._entries if entry != middleware]

    def clear(self) -> None:
        """Takes all out."""
        self._entries.clear()

    async def invoke(self, innermost: Next[R], *about: object) -> R:
        """Runs the chain round `innermost`; `about` is what each middleware is told before `call_next`."""
        return await self._call(tuple(self._entries), innermost, about)

    async def _call(self, entries: tuple[Middleware[R], ...], innermost: Next[R], about: tuple[object, ...]) -> R:
        if not entries:
            return await innermost()
        return await entries[0](*about, lambda: self._call(entries[1:], innermost, about))
