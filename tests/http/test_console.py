"""The console's files over HTTP: whole, safe to keep, bound to a strict policy, and free of data."""

import re
import urllib.parse

import aiohttp
import pytest

from service.console.serving import PATH, paths
from tests.conftest import StartApp
from tests.http.api import Api

pytestmark = pytest.mark.anyio

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
"""Nothing but files of this service; no inline script or style, no frame around it, no text turned into markup."""

FILES = sorted(paths() - {PATH.rstrip("/")})


def policy_of(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The directives of the answer's policy."""
    directives = (one.strip().partition(" ") for one in response.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in directives}


@pytest.mark.parametrize("path", FILES)
async def test_each_file_is_served_under_the_policy_and_known_again(client: aiohttp.ClientSession, path: str) -> None:
    """200 with a tag; 304 without a body for who has it; 200 for who has another."""
    async with client.get(path) as response:
        body = await response.read()
        assert response.status == 200
        assert body
        assert policy_of(response) == POLICY
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Request-Id"]
        expected = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
        assert response.content_type == expected.get(path.rpartition(".")[2], "text/html")
        tag = response.headers["ETag"]
    async with client.get(path, headers={"If-None-Match": f'"other", {tag}'}) as response:
        assert (response.status, await response.read()) == (304, b"")
        assert (response.headers["ETag"], policy_of(response)) == (tag, POLICY)
    async with client.get(path, headers={"If-None-Match": '"other"'}) as response:
        assert (response.status, await response.read()) == (200, body)
    async with client.head(path) as response:
        assert (response.status, await response.read()) == (200, b"")
        assert response.headers["ETag"] == tag


async def test_every_file_is_there_and_nothing_else(client: aiohttp.ClientSession) -> None:
    """Each file that another names is served, by a relative name; each but the page is named by another."""
    named = {PATH}
    looked_at: set[str] = set()
    while named - looked_at:
        path = (named - looked_at).pop()
        looked_at.add(path)
        async with client.get(path) as response:
            assert response.status == 200, path
            text = await response.text()
        links = re.findall(r'(?:href|src)="([^"#]+)"', text) + re.findall(r'from "(\./[^"]+)"', text)
        assert not any(link.startswith(("/", "http")) for link in links)
        named |= {urllib.parse.urljoin(path, link) for link in links if not link.startswith("http")}
    assert looked_at == set(FILES)


async def test_the_address_without_the_last_slash_leads_there(client: aiohttp.ClientSession) -> None:
    """By a relative address, which is right behind a proxy that adds to the path."""
    async with client.get("/console", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (308, "console/")
    async with client.get("/console") as response:
        assert (response.status, response.url.path) == (200, "/console/")


async def test_no_key_is_needed_for_the_files_and_nothing_else_is_given(seeded_url: str, start_app: StartApp) -> None:
    """They hold no data. A wrong key does no harm; what is not there, or not GET, has the envelope."""
    async with start_app(seeded_url, api_keys="required") as session:
        for path in ("/console", *FILES):
            async with session.get(path, headers={"Authorization": "Bearer wrong"}) as response:
                assert response.status == 200
        api = Api(session)
        assert (await api.call("GET", "//console/no.js")).refused == (404, "route_not_found")
        assert (await api.call("GET", "//console/../serving.py")).refused == (404, "route_not_found")
        assert (await api.call("GET", "//console/%2e%2e%2fserving.py")).refused == (404, "route_not_found")
        assert (await api.call("POST", "//console/", {})).refused == (405, "method_not_allowed")
