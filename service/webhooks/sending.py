"""One attempt to deliver an event: a signed POST, bounded in every way, and what came of it."""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import aiohttp

from service.webhooks.signing import signature_headers
from service.webhooks.targets import ForbiddenTarget, public_socket

#: From the look-up of the name to the head of the answer.
ATTEMPT_SECONDS_MAX: Final = 15

#: The body of an answer means nothing. A short one is read, so that the connection can be used again.
ANSWER_SIZE_BYTES_MAX: Final = 16 * 1024
_ANSWER_SECONDS_MAX: Final = 1

_log = logging.getLogger("wallet.webhooks")


class Attempt(NamedTuple):
    """What came of an attempt.

    Attributes:
        status: HTTP status of the answer; None: there was none.
        error: why it failed, a sentence; None: the event was taken.
    """

    status: int | None
    error: str | None


class Sender:
    """Sends events; one for a process. Connections are kept for the next event.

    Args:
        any_target: whether private addresses may be connected to.
    """

    def __init__(self, *, any_target: bool) -> None:
        self._session = aiohttp.ClientSession(
            # Without a limit: how much is sent at once is bounded per webhook, and one must not wait for another.
            connector=aiohttp.TCPConnector(limit=0, socket_factory=None if any_target else public_socket),
            timeout=aiohttp.ClientTimeout(total=ATTEMPT_SECONDS_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Content-Type": "application/json", "User-Agent": "pg-wallet"},
            # The body is thrown away: nobody need unpack it.
            auto_decompress=False,
        )

    async def send(self, url: str, secrets: Sequence[bytes], event_id: str, event: bytes) -> Attempt:
        """Sends an event. Whatever happens is an `Attempt`: nothing is raised but by cancelling."""
        headers = signature_headers(secrets, event_id, int(time.time()), event)
        try:
            async with self._session.post(url, data=event, headers=headers, allow_redirects=False) as response:
                await _finish(response)
                return Attempt(response.status, _status_error(response.status))
        except Exception as error:
            return Attempt(None, _sentence(error))

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()


async def _finish(response: aiohttp.ClientResponse) -> None:
    """Reads the rest of a short answer, and hangs up on any other."""
    with contextlib.suppress(aiohttp.ClientError, OSError):
        async with asyncio.timeout(_ANSWER_SECONDS_MAX):
            size = 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > ANSWER_SIZE_BYTES_MAX:
                    break
            else:
                return
    response.close()


def _status_error(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"The receiver answered {status}, and redirects are not followed."
    return f"The receiver answered {status}."


def _sentence(error: Exception) -> str:
    """Why there was no answer. Says nothing of addresses and names: a log may be read by others than the URL."""
    if isinstance(error, TimeoutError):
        return f"There was no answer within {ATTEMPT_SECONDS_MAX} seconds."
    if _is_forbidden(error):
        return "The address of the receiver is not public."
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return "The TLS connection to the receiver failed."
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "The name of the receiver cannot be resolved."
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.InvalidURL)):
        return "The receiver cannot be connected to."
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return "The receiver broke off without an answer, or sent none of HTTP."
    _log.error("a delivery failed in an unexpected way", exc_info=error)
    return "The event could not be sent."


def _is_forbidden(error: BaseException | None) -> bool:
    """Whether an address was refused, at the bottom of what the connector raised: of several addresses, the last."""
    while error is not None and not isinstance(error, ForbiddenTarget):
        error = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    return error is not None
