"""TLS to the database, by libpq's usual options: the right root is trusted, everything else is refused."""

import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.conftest import StartService
from tests.support.process import run_wallet
from tests.support.tls import tls_before


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who vouches for the server."""
    return trustme.CA()


@pytest.fixture
def root(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def tls_url(seeded_url: str, authority: trustme.CA) -> Iterator[str]:
    """The database behind TLS, with a certificate for the name it is reached by."""
    with tls_before(seeded_url, context_of(authority, "localhost")) as url:
        yield url


def context_of(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_the_service_and_the_commands_speak_tls(tls_url: str, root: Path, start_service: StartService) -> None:
    """With the certificate and the name checked, in every worker and for every connection."""
    url = f"{tls_url}?sslmode=verify-full&sslrootcert={root}"
    for command in ("migrate", "seed", "doctor"):
        done = run_wallet(root.parent, command, DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
    with (
        start_service(url, WORKERS="2") as service,
        urllib.request.urlopen(f"{service.base_url}/api/v1/transactions") as answer,
    ):
        assert answer.status == 200


def refused(folder: Path, url: str) -> str:
    """Start the service and see it end with a sentence; give it."""
    for command in ("serve", "doctor"):
        done = run_wallet(folder, command, DATABASE_URL=url, PORT="0")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("The database cannot be reached: ")
        assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_a_server_of_another_root_is_refused(tls_url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for mode in ("verify-full", "verify-ca"):
        sentence = refused(tmp_path, f"{tls_url}?sslmode={mode}&sslrootcert={other}")
        assert "certificate verify failed" in sentence


def test_a_server_of_another_name_is_refused(
    seeded_url: str, authority: trustme.CA, root: Path, start_service: StartService
) -> None:
    """By verify-full; verify-ca does not look at the name."""
    with tls_before(seeded_url, context_of(authority, "elsewhere.example")) as url:
        sentence = refused(root.parent, f"{url}?sslmode=verify-full&sslrootcert={root}")
        assert "elsewhere.example" in sentence
        with start_service(f"{url}?sslmode=verify-ca&sslrootcert={root}"):
            pass


def test_a_server_without_tls_is_refused(seeded_url: str, root: Path) -> None:
    """Where TLS is asked for there is no way back to the clear."""
    for mode in ("require", "verify-full"):
        assert "SSL" in refused(root.parent, f"{seeded_url}?sslmode={mode}&sslrootcert={root}")
