"""Callers with API keys."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import aiohttp

from service.cli.keys import create_key
from tests.http.api import Api


class Keys:
    """Makes keys in one database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.ids: dict[str, str] = {}
        """The key's id, by token."""

    def create(self, *scopes: str, assets: Sequence[str] = (), expires_in: timedelta | None = None) -> str:
        """Make a key; give its token."""
        made: dict[str, str] = {}
        create_key(self._url, "a test", scopes, assets, expires_in, lambda key_id, token: made.update({token: key_id}))
        self.ids |= made
        return next(iter(made))


@contextlib.asynccontextmanager
async def calling(session: aiohttp.ClientSession, token: str) -> AsyncIterator[Api]:
    """Call the same service with a token."""
    assert session._base_url is not None
    async with aiohttp.ClientSession(session._base_url, headers={"Authorization": f"Bearer {token}"}) as other:
        yield Api(other)
