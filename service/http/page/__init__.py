"""The page on which the interface can be read and tried: Swagger UI, from the installed package that brings its files.

Nothing comes from another host. The package's Python code is not imported: it is made for another framework.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from service.refusals import Refusal

#: With the last slash: the addresses in its files are relative to it.
PATH: Final = "/docs/"

_PACKAGE: Final = "flask_swagger_ui"
_OUR_FOLDER: Final = Path(__file__).parent
_OURS: Final = ("page.js",)
_THEIRS: Final = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")

#: Everything stays on this host. Swagger UI has its icons as `data:`.
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def paths() -> frozenset[str]:
    """The paths that the page answers to."""
    return frozenset({PATH.rstrip("/"), PATH} | {PATH + name for name in (*_OURS, *_THEIRS)})


def add_page(app: web.Application) -> None:
    """Adds the page and its files."""
    app.router.add_get(PATH.rstrip("/"), _to_the_page)
    app.router.add_get(PATH, _serve("index.html"))
    for name in (*_OURS, *_THEIRS):
        app.router.add_get(PATH + name, _serve(name))


async def _to_the_page(request: web.Request) -> web.Response:
    # Relative, so that it is right behind a proxy that serves the service below another path.
    return web.Response(status=308, headers={**_HEADERS, "Location": PATH.strip("/") + "/"})


def _serve(name: str) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        theirs = _package_folder()
        if theirs is None:
            raise Refusal("route_not_found", "The page is not installed: pip install 'pg-wallet[docs]' brings it.")
        return web.FileResponse((theirs if name in _THEIRS else _OUR_FOLDER) / name, headers=_HEADERS)

    return serve


@cache
def _package_folder() -> Path | None:
    """Where the package's files are; None when it is not installed."""
    # Of a package that is in no other, this only looks for it.
    found = importlib.util.find_spec(_PACKAGE)
    return Path(found.submodule_search_locations[0]) / "dist" if found and found.submodule_search_locations else None
