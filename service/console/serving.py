"""Serving the console's files.

They hold no data, so no key is needed to get them: what they show they ask the HTTP interface for, with the user's key.
"""

import hashlib
from typing import Final

from aiohttp import ETag, web
from aiohttp.typedefs import Handler

from service.resources import PACKAGE_FOLDER

#: Where the console is, with the last slash: the addresses in its files are relative to it.
PATH: Final = "/console/"

_FOLDER: Final = PACKAGE_FOLDER / "console" / "static"

_CONTENT_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_HEADERS: Final = {
    # Asked again each time, and not sent again while it is the same: a new release is there at once.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        # No text is turned into markup, not even by a mistake of these files.
        " require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


_FILES: Final = {
    PATH + (file.name if file.name != "index.html" else ""): file
    for file in sorted(_FOLDER.iterdir())
    if file.is_file()
}


def paths() -> frozenset[str]:
    """The paths that the console answers to."""
    return frozenset({PATH.rstrip("/"), *_FILES})


def add_console(app: web.Application) -> None:
    """Adds the console's files. They are read once."""
    app.router.add_get(PATH.rstrip("/"), _to_the_console)
    for path, file in _FILES.items():
        app.router.add_get(path, _handler(file.read_bytes(), _CONTENT_TYPES[file.suffix]))


def _handler(body: bytes, content_type: str) -> Handler:
    etag = ETag(hashlib.sha256(body).hexdigest()[:32])

    async def answer(request: web.Request) -> web.Response:
        known = request.if_none_match or ()
        if any(one.value in (etag.value, "*") for one in known):
            response = web.Response(status=304, headers=_HEADERS)
        else:
            response = web.Response(body=body, headers={**_HEADERS, "Content-Type": content_type})
        response.etag = etag
        return response

    return answer


async def _to_the_console(request: web.Request) -> web.Response:
    # Relative, so that it is right behind a proxy that serves the service below another path.
    return web.Response(status=308, headers={**_HEADERS, "Location": PATH.strip("/") + "/"})
