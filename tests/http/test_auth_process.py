"""Safe by default: which address serves without keys, which demands them, and which does not even start."""

import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest

from service.settings import load_settings
from tests.conftest import Connect, StartService
from tests.http.keyed import Keys
from tests.support.process import run_wallet


def status_of(base_url: str, path: str, token: str | None = None) -> int:
    """GET a path of a service on this machine; give the status."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = base_url.replace("0.0.0.0", "127.0.0.1")
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1{path}", headers=headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("host", "setting", "required"),
    [
        ("", "", False),
        ("127.0.0.1", "", False),
        ("127.9.9.9", "", False),
        ("::1", "", False),
        ("localhost", "", False),
        ("LOCALHOST", "", False),
        ("0.0.0.0", "", True),
        ("::", "", True),
        ("10.0.0.1", "", True),
        ("::ffff:10.0.0.1", "", True),
        ("128.0.0.1", "", True),
        ("fe80::1", "", True),
        # A name may lead anywhere.
        ("localhost.example", "", True),
        ("wallet.example", "", True),
        ("127.0.0.1", "required", True),
        ("0.0.0.0", "off", False),
    ],
)
def test_keys_are_required_everywhere_but_on_a_loopback_address(host: str, setting: str, required: bool) -> None:
    assert load_settings({"HOST": host, "API_KEYS": setting}).keys_required is required


def test_an_address_of_the_outside_without_keys_is_refused(tmp_path: Path, seeded_url: str, connect: Connect) -> None:
    """Exit code 1 and a sentence with both ways out; keys that were revoked or have expired are none."""
    keys = Keys(seeded_url)
    sentence = (
        "API keys are required (HOST is 0.0.0.0) and there is none: make one with `wallet keys create`, or set"
        " API_KEYS=off to let everybody in who reaches the port.\n"
    )
    expired = keys.ids[keys.create("admin", expires_in=timedelta(days=1))]
    connection = connect(seeded_url)
    connection.execute("UPDATE wallet.api_keys SET expires_at = clock_timestamp() WHERE id = %s", [expired])
    connection.execute("SELECT wallet.revoke_api_key(%s)", [keys.ids[keys.create("admin")]])
    done = run_wallet(tmp_path, "serve", DATABASE_URL=seeded_url, HOST="0.0.0.0", PORT="0")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)
    done = run_wallet(tmp_path, "serve", DATABASE_URL=seeded_url, API_KEYS="required", PORT="0")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence.replace("0.0.0.0", "127.0.0.1"))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_address_of_the_outside_with_keys_lets_in_who_has_one(
    seeded_url: str, start_service: StartService, workers: str
) -> None:
    """And /health lets in everybody."""
    token = Keys(seeded_url).create("read")
    with start_service(seeded_url, HOST="0.0.0.0", WORKERS=workers) as service:
        # With two workers every connection may meet either.
        for _ in range(8):
            assert status_of(service.base_url, "/transactions") == 401
            assert status_of(service.base_url, "/transactions", token) == 200
            assert status_of(service.base_url, "/health") == 200


def test_keys_can_be_switched_off_by_saying_so(seeded_url: str, start_service: StartService) -> None:
    """Then everybody is let in; a token that is sent is checked all the same."""
    token = Keys(seeded_url).create("post:spend")
    with start_service(seeded_url, HOST="0.0.0.0", API_KEYS="off") as service:
        assert status_of(service.base_url, "/transactions") == 200
        assert status_of(service.base_url, "/transactions", token) == 403
        assert status_of(service.base_url, "/transactions", "wrong") == 401


def test_a_loopback_address_serves_without_keys_unless_told(seeded_url: str, start_service: StartService) -> None:
    token = Keys(seeded_url).create("read")
    with start_service(seeded_url) as service:
        assert status_of(service.base_url, "/transactions") == 200
        assert status_of(service.base_url, "/transactions", "wrong") == 401
    with start_service(seeded_url, API_KEYS="required") as service:
        assert status_of(service.base_url, "/transactions") == 401
        assert status_of(service.base_url, "/transactions", token) == 200
