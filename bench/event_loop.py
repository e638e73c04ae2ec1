"""The event loop of the bench's own processes: uvloop where there is one, as in the service."""

import asyncio
from collections.abc import Callable


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the loop; None: asyncio's own."""
    try:
        from uvloop import new_event_loop
    except ImportError:  # not on Windows
        return None
    return new_event_loop
