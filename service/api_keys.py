"""API keys: what a token looks like, what a key may do, and the check of a token.

A token is `wk_<id>_<secret>`: 12 hex digits by which the key is found, then 256 random bits. Only the SHA-256 of the
secret is kept. A slow hash is for secrets that can be guessed; nobody guesses 256 bits.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from service.batching import Batcher
from service.database import Pool, borrow
from service.refusals import Refusal
from service.scopes import SCOPES as SCOPES

#: How long a key that was looked up is taken without another look: a revoked key stops within this time.
CACHE_SECONDS: Final = 5

#: Keys kept in memory, at most.
CACHE_SIZE_MAX: Final = 10_000

_LOOKUP_BATCH_MAX: Final = 500
_SECRET_SIZE_BYTES: Final = 32
_TOKEN: Final = re.compile(r"wk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")

#: Compared when there is no such key, so that this takes as long as a wrong secret.
_NO_SHA256: Final = bytes(32)


@dataclass(frozen=True)
class ApiKey:
    """Who calls.

    Attributes:
        id: 12 hex digits.
        scopes: what it may do, of `SCOPES`; unknown ones allow nothing.
        asset_type_ids: the only asset types it reaches; None: all.
    """

    id: str
    scopes: frozenset[str]
    asset_type_ids: frozenset[uuid.UUID] | None = None

    def may(self, scope: str) -> bool:
        """Whether the key has the scope, or the one that includes all."""
        return scope in self.scopes or "admin" in self.scopes

    def reaches(self, asset_type_id: uuid.UUID) -> bool:
        """Whether the key is for this asset type."""
        return self.asset_type_ids is None or asset_type_id in self.asset_type_ids


def new_secret() -> str:
    """A secret nobody can guess, as it stands in a token."""
    return secrets.token_urlsafe(_SECRET_SIZE_BYTES)


def secret_sha256(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("ascii")).digest()


def token_of(key_id: str, secret: str) -> str:
    """The token that its owner sends."""
    return f"wk_{key_id}_{secret}"


class _Found(NamedTuple):
    """A live key, the hash of its secret, and until when that is known, in the event loop's time."""

    key: ApiKey
    secret_sha256: bytes
    until: float


class KeyRing:
    """Checks tokens, with a short memory: in the steady state a check asks the database nothing.

    Args:
        pool: connections to the database, as the service's role.
        queue_max: look-ups that may wait at once.
    """

    def __init__(self, pool: Pool, queue_max: int) -> None:
        self._pool = pool
        self._lookups: Batcher[str, _Found | None] = Batcher("api keys", self._find, _LOOKUP_BATCH_MAX, queue_max)
        self._known: OrderedDict[str, _Found] = OrderedDict()

    async def check(self, token: str) -> ApiKey:
        """The key of a token.

        Raises:
            Refusal: unauthorized when the token is none, unknown, wrong, expired or revoked, without saying which;
                unavailable when too many look-ups wait.
            Exception: the database is away; `refusal_of` says so. No key is taken on trust.
        """
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise unauthorized()
        key_id, secret = match.groups()
        found = self._known.get(key_id)
        if found is None or found.until <= asyncio.get_running_loop().time():
            found = await self._look_up(key_id)
        expected = _NO_SHA256 if found is None else found.secret_sha256
        if not hmac.compare_digest(secret_sha256(secret), expected) or found is None:
            raise unauthorized()
        return found.key

    async def close(self) -> None:
        """Answers what waits, then stops."""
        await self._lookups.close()

    async def _look_up(self, key_id: str) -> _Found | None:
        self._known.pop(key_id, None)
        found = await self._lookups.submit(key_id)
        # What was not found is not kept: else a flood of invented ids would drive out the real ones.
        if found is not None:
            self._known[key_id] = found
            if len(self._known) > CACHE_SIZE_MAX:
                self._known.popitem(last=False)
        return found

    async def _find(self, ids: Sequence[str]) -> Sequence[_Found | None]:
        # Before the question, so that an expiry is met early rather than late.
        now = asyncio.get_running_loop().time()
        async with borrow(self._pool) as connection:
            cursor = await connection.execute(
                "SELECT id, secret_sha256, scopes, asset_type_ids, expires_in_seconds FROM wallet.find_api_keys(%s)",
                [list(set(ids))],
            )
            rows = await cursor.fetchall()
        found = {
            key_id: _Found(
                ApiKey(key_id, frozenset(scopes), None if asset_type_ids is None else frozenset(asset_type_ids)),
                sha256,
                now + (CACHE_SECONDS if expires_in_seconds is None else min(CACHE_SECONDS, expires_in_seconds)),
            )
            for key_id, sha256, scopes, asset_type_ids, expires_in_seconds in rows
        }
        return [found.get(one) for one in ids]


def unauthorized(error: str = "The API key is unknown, wrong, expired or revoked.") -> Refusal:
    """The refusal for a caller whom nobody knows."""
    return Refusal("unauthorized", error)
