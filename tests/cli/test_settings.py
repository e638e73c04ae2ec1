"""Every setting: its default, its bounds, where it may come from, and what is said when it is wrong."""

import dataclasses
import logging
import re
from pathlib import Path

import dotenv
import platformdirs
import pytest

from service import resources
from service.settings import (
    LANES_MAX,
    LOG_LEVELS,
    WEBHOOK_TARGETS,
    WEBHOOKS,
    WORKERS_MAX,
    Settings,
    SettingsError,
    load_settings,
)
from tests.support.process import run_wallet

EXAMPLE = resources.PACKAGE_FOLDER.parent / ".env.example"

FIELDS = {
    "DATABASE_URL": "database_url",
    "HOST": "host",
    "PORT": "port",
    "API_KEYS": "api_keys",
    "WALLET_DATA_DIR": "data_dir",
    "WALLET_PG_BIN": "pg_bin",
    "LOG_LEVEL": "log_level",
    "HTTP_CONNECTIONS": "http_connections",
    "POOL_SIZE": "pool_size",
    "QUEUE_SIZE": "queue_size",
    "BATCH_SIZE": "batch_size",
    "LANES": "lanes",
    "WORKERS": "workers",
    "WEBHOOKS": "webhooks",
    "WEBHOOK_TARGETS": "webhook_targets",
}
"""By variable: the field it sets."""

DEFAULTS = {
    "DATABASE_URL": None,
    "HOST": "127.0.0.1",
    "API_KEYS": None,
    "PORT": 3000,
    "WALLET_DATA_DIR": resources.PACKAGE_FOLDER.parent / ".wallet-data",
    "WALLET_PG_BIN": None,
    "LOG_LEVEL": "INFO",
    "HTTP_CONNECTIONS": 1_000,
    "POOL_SIZE": 8,
    "QUEUE_SIZE": 10_000,
    "BATCH_SIZE": 500,
    "LANES": 1,
    "WORKERS": 1,
    "WEBHOOKS": "on",
    "WEBHOOK_TARGETS": "public",
}

BOUNDS = {
    "PORT": (0, 65_535),
    "HTTP_CONNECTIONS": (1, 100_000),
    "POOL_SIZE": (1, 1_000),
    "QUEUE_SIZE": (1, 1_000_000),
    "BATCH_SIZE": (1, 1_000),
    "LANES": (1, LANES_MAX),
    "WORKERS": (1, WORKERS_MAX),
}

GOOD = {
    "DATABASE_URL": (
        "postgresql://user:s3%20cret@host:5432/database?application_name=x",
        "postgresql://x:a%40b%2Fc?:d#@h/x?application_name=a@b/c",
        "postgresql://h/x?application_name=a@b",
        "postgresql://one.example:1,two.example:2/x?target_session_attrs=read-write",
        "postgres:///x?host=/run/postgresql",
        r"host=one,two port=1,2 dbname='with space' password='it\'s'",
        "service=wallet",
    ),
    "HOST": ("0.0.0.0", "::", "::1", "localhost", "wallet.internal.example"),
    "API_KEYS": ("required", "off"),
    "LOG_LEVEL": LOG_LEVELS,
    "WEBHOOKS": WEBHOOKS,
    "WEBHOOK_TARGETS": WEBHOOK_TARGETS,
}

WRONG = {
    "DATABASE_URL": (
        "nonsense",
        "postgresql://x:s3cret@[/",
        "postgresql://h/x?nonsense=1",
        "host",
        "postgresql://x:a@s3cret@h/x",
        "postgresql://x:a/s3cret@h/x",
        "postgres://x:a@b/s3cret@h:5432/x",
        "postgresql://x:a?s3cret@b@h/x",
        "postgresql://x:a/b?s3cret@h/x",
    ),
    "HOST": ("a b", "http://localhost", "10.0.0.0/8", "a\tb"),
    "API_KEYS": ("on", "none", "REQUIRED", "false"),
    "LOG_LEVEL": ("LOUD", "10", "INFO DEBUG", "NOTSET", "WARN"),
    "WEBHOOKS": ("ON", "true", "1"),
    "WEBHOOK_TARGETS": ("private", "all"),
    "WALLET_DATA_DIR": ("~nobody-of-this-name/data", "with\0nul"),
    "WALLET_PG_BIN": ("~nobody-of-this-name/bin", "with\0nul"),
    **{
        name: (
            str(lowest - 1),
            str(highest + 1),
            *("-1", "+1", "1.0", "1e2", "1_0", "0x1", "one", "1 2", "٣", "²", "9" * 5000),
        )
        for name, (lowest, highest) in BOUNDS.items()
    },
}


def value(settings: Settings, name: str) -> object:
    return getattr(settings, FIELDS[name])


def test_every_setting_has_its_default() -> None:
    """Nothing is set, or all of it is empty: the defaults, each of them a field's own."""
    assert set(FIELDS.values()) == {field.name for field in dataclasses.fields(Settings)}
    for environ in ({}, dict.fromkeys(FIELDS, ""), dict.fromkeys(FIELDS, "  ")):
        settings = load_settings(environ)
        assert {name: value(settings, name) for name in FIELDS} == DEFAULTS


def test_the_class_and_the_loader_have_the_same_defaults() -> None:
    """Tests and tools make settings without the loader."""
    assert Settings(data_dir=load_settings({}).data_dir) == load_settings({})


def test_a_wheel_keeps_its_data_in_the_users_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no checkout then."""
    monkeypatch.setattr(resources, "checkout_folder", lambda: None)
    assert load_settings({}).data_dir == Path(platformdirs.user_data_dir("pg-wallet", appauthor=False))


@pytest.mark.parametrize("name", BOUNDS)
def test_numbers_reach_from_bound_to_bound(name: str) -> None:
    """Both ends are allowed; spaces around are none of the value."""
    lowest, highest = BOUNDS[name]
    for number in (lowest, highest, DEFAULTS[name]):
        assert value(load_settings({name: f" {number} "}), name) == number


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_good_values_are_taken_as_they_are(name: str, text: str) -> None:
    assert value(load_settings({name: text}), name) == text


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts], ids=lambda text: text[:20]
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(name: str, text: str) -> None:
    """Wherever it comes from; a password is not repeated, and a long value does no harm."""
    with pytest.raises(SettingsError) as raised:
        load_settings({name: text})
    assert re.fullmatch(rf"{name} (must be|names) [^\n]+\.", str(raised.value))
    assert "s3cret" not in str(raised.value)
    if name in BOUNDS:
        lowest, highest = BOUNDS[name]
        assert f"{name} must be a whole number from {lowest} to {highest}, not " in str(raised.value)


def test_levels_may_be_written_small() -> None:
    """And they are what the module `logging` calls so."""
    settings = load_settings({"LOG_LEVEL": "warning"})
    assert (settings.log_level, settings.log_level_number) == ("WARNING", logging.WARNING)


def test_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the working directory or the home folder, so that a later change of directory does not move them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/of/somebody")
    for name in ("WALLET_DATA_DIR", "WALLET_PG_BIN"):
        assert value(load_settings({name: "a/b"}), name) == tmp_path / "a" / "b"
        assert value(load_settings({name: "~/b"}), name) == Path("/home/of/somebody/b")
        assert value(load_settings({name: "/a b/c"}), name) == Path("/a b/c")


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    """Settings that are printed keep it to themselves."""
    settings = load_settings({"DATABASE_URL": "postgresql://x:s3cret@h/x"})
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(settings)


def test_the_file_sets_and_the_environment_wins(tmp_path: Path) -> None:
    """A variable that is set in the environment hides the file's; an empty one too, and then the default holds."""
    path = tmp_path / ".env"
    path.write_text("# a comment\nPORT=4000\nHOST='::1'\nexport POOL_SIZE=3\nOTHER=1\nNO_VALUE\n")
    settings = load_settings({"PORT": "5000"}, path)
    assert (settings.port, settings.host, settings.pool_size) == (5000, "::1", 3)
    assert load_settings({"PORT": ""}, path).port == 3000
    assert load_settings({}, path).port == 4000
    assert load_settings({}, tmp_path / "not-there") == load_settings({})


def test_the_file_is_taken_literally(tmp_path: Path) -> None:
    """A dollar sign may be part of a password."""
    path = tmp_path / ".env"
    url = "postgresql://x:a$HOME${HOME}b@h/x"
    path.write_text(f"DATABASE_URL={url}\n")
    assert load_settings({"HOME": "/home"}, path).database_url == url


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    """Bytes that are no text. A folder of that name is somebody's virtual environment and no file."""
    path = tmp_path / ".env"
    path.write_bytes(b"HOST=\xff\xfe\n")
    with pytest.raises(SettingsError, match=rf"^The file {path} cannot be read: [^\n]+\.$"):
        load_settings({}, path)
    path.unlink()
    path.mkdir()
    assert load_settings({}, path) == load_settings({})


def test_the_command_reads_the_file_of_its_folder(tmp_path: Path) -> None:
    """`.env` in the working directory, and the environment over it; a folder above is not asked."""
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://file.example/x\n")
    assert run_wallet(tmp_path, "url").stdout == "postgresql://file.example/x\n"
    environment = "postgresql://environment.example/x"
    assert run_wallet(tmp_path, "url", DATABASE_URL=environment).stdout == f"{environment}\n"
    below = tmp_path / "below"
    below.mkdir()
    assert run_wallet(below, "url", WALLET_DATA_DIR=str(below / "data")).returncode == 1


@pytest.mark.parametrize("command", ["serve", "migrate", "seed", "import", "doctor", "psql", "url"])
def test_every_command_ends_with_2_at_a_wrong_setting(tmp_path: Path, command: str) -> None:
    """Before it does anything, also when the setting is one that the command does not use."""
    (tmp_path / ".env").write_text("POOL_SIZE=many\n")
    (tmp_path / "file").touch()
    arguments = [command, "file"] if command == "import" else [command]
    done = run_wallet(tmp_path, *arguments, WALLET_DATA_DIR=str(tmp_path / "data"))
    sentence = "POOL_SIZE must be a whole number from 1 to 1000, not 'many'.\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)
    assert not (tmp_path / "data").exists()


def test_the_example_lists_exactly_the_settings() -> None:
    """Each once, in the order of the code, with its default or empty; copied, it changes nothing."""
    values = dotenv.dotenv_values(EXAMPLE, interpolate=False)
    assert list(values) == list(FIELDS)
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) == len(FIELDS)
    for name, text in values.items():
        if text:
            assert text == str(DEFAULTS[name])
        else:
            assert DEFAULTS[name] is None or name == "WALLET_DATA_DIR"
    assert load_settings({}, EXAMPLE) == load_settings({})


def test_the_example_says_the_bounds() -> None:
    """Above each number stands what it may be."""
    for paragraph in EXAMPLE.read_text().split("\n\n"):
        for name in re.findall(r"^([A-Z_]+)=", paragraph, re.MULTILINE):
            assert paragraph.startswith("#"), name
            if name in BOUNDS and name != "PORT":
                assert "({} to {}".format(*BOUNDS[name]) in paragraph, name
            if name == "LOG_LEVEL":
                assert all(level in paragraph for level in LOG_LEVELS)
