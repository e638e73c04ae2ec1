"""The Dockerfile and docker-compose.yml: they parse, name what exists, and their checks tell health from trouble."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from psycopg.conninfo import conninfo_to_dict

from service.cli.commands import wallet
from service.settings import load_settings
from tests.cli.test_settings import FIELDS
from tests.conftest import StartService
from tests.packaging.files import CHECKOUT, compose, dockerfile, named, project

OWN = {"migrate", "seed", "app"}
"""The services that run the wallet's image."""


def substituted(text: str) -> str:
    """Replace ${NAME:-default} by the default, as Compose does when NAME is not set."""
    assert not re.search(r"\$\{[A-Z_]+\}", text)
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def environment_of_image() -> dict[str, str]:
    words = [word for one in named(dockerfile()[-1], "ENV") for word in one.words]
    return dict(word.split("=", 1) for word in words)


def test_the_services() -> None:
    """A database and the wallet three times: its schema, its demo data, the service."""
    services = compose()["services"]
    assert set(services) == {"postgres", *OWN}
    assert services["postgres"]["image"] == "postgres:18"
    for name in OWN:
        assert (services[name]["image"], services[name]["build"]) == ("pg-wallet", ".")


def test_the_commands_are_the_wallets_own() -> None:
    """The image's entry point is `wallet`; what follows is a command it has, with options it takes."""
    (entry_point,) = named(dockerfile()[-1], "ENTRYPOINT")
    assert entry_point.text == '["wallet"]'
    assert "wallet" in project()["scripts"]
    (command,) = named(dockerfile()[-1], "CMD")
    commands = [re.findall(r'"([^"]+)"', command.text), *(compose()["services"][name]["command"] for name in OWN)]
    for name, *arguments in commands:
        wallet.commands[name].make_context(name, list(arguments)).close()
    assert [compose()["services"][name]["command"] for name in ("migrate", "seed", "app")] == [
        ["migrate"],
        ["seed"],
        ["serve"],
    ]


def test_the_order() -> None:
    """Database, schema, demo data, service: each waits for what it needs, and for nothing that never comes."""
    services = compose()["services"]
    waits: dict[str, dict[str, str]] = {
        name: {other: one["condition"] for other, one in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    assert waits["migrate"] == {"postgres": "service_healthy"}
    assert waits["seed"] == {"migrate": "service_completed_successfully"}
    assert waits["app"]["seed"] == "service_completed_successfully"
    for conditions in waits.values():
        for other, condition in conditions.items():
            if condition == "service_healthy":
                assert "healthcheck" in services[other]
            else:
                # It ends: it neither serves nor is started again.
                assert services[other]["command"] != ["serve"]
                assert "restart" not in services[other]


def test_the_settings_are_the_wallets() -> None:
    """Every variable is a setting, with a value that is allowed; the database's address is the one of the database."""
    services = compose()["services"]
    postgres = {name: substituted(text) for name, text in services["postgres"]["environment"].items()}
    for name in OWN:
        environment = {key: substituted(text) for key, text in services[name]["environment"].items()}
        assert set(environment) <= set(FIELDS)
        settings = load_settings(environment)
        assert settings.database_url is not None
        parts = conninfo_to_dict(settings.database_url)
        assert (parts["host"], parts["port"]) == ("postgres", "5432")
        assert (parts["user"], parts["password"], parts["dbname"]) == (
            postgres["POSTGRES_USER"],
            postgres["POSTGRES_PASSWORD"],
            postgres["POSTGRES_DB"],
        )
    image = environment_of_image()
    known = {"PATH", "PYTHONUNBUFFERED"}
    assert set(image) - known <= set(FIELDS)
    load_settings({name: text for name, text in image.items() if name not in known})


def test_the_data_stays_in_a_volume() -> None:
    """It is declared, and mounted where the image of version 18 and newer keeps its data."""
    volumes = compose()["volumes"]
    (mount,) = compose()["services"]["postgres"]["volumes"]
    name, target = mount.split(":")
    assert name in volumes
    assert target == "/var/lib/postgresql"


def test_the_port_is_open_to_this_machine_only() -> None:
    """The image listens for the outside, so the machine must not pass it on to the world."""
    image = environment_of_image()
    assert image["HOST"] == "0.0.0.0"
    (port,) = compose()["services"]["app"]["ports"]
    assert port == f"127.0.0.1:3000:{image['PORT']}"
    (exposed,) = named(dockerfile()[-1], "EXPOSE")
    assert exposed.text == image["PORT"]
    assert "ports" not in compose()["services"]["postgres"]


def test_there_is_time_to_stop() -> None:
    """The service is asked with the signal it knows, and killed only after it had time for what is in flight."""
    (signal,) = named(dockerfile()[-1], "STOPSIGNAL")
    assert signal.text == "SIGTERM"
    assert int(compose()["services"]["app"]["stop_grace_period"].removesuffix("s")) > 10


def test_the_image_does_not_run_as_root() -> None:
    """A user of its own, made before, who owns the folder of the data; nothing is run after that."""
    last = dockerfile()[-1]
    (user,) = named(last, "USER")
    assert user.text not in {"root", "0"}
    (made,) = [one for one in named(last, "RUN") if "useradd" in one.text]
    assert made.words[-1] == user.text
    home = made.words[made.words.index("--home-dir") + 1]
    assert "--create-home" in made.words
    assert Path(environment_of_image()["WALLET_DATA_DIR"]).is_relative_to(home)
    names = [one.name for one in last]
    assert "RUN" not in names[names.index("USER") :]
    (folder,) = named(last, "WORKDIR")
    assert folder.text == home


def test_the_image_installs_what_is_locked() -> None:
    """Both stages have one Python, of an allowed version; every file is checked; what is named was copied before."""
    stages = dockerfile()
    images = {stage[0].words[0] for stage in stages}
    assert len(images) == 1
    (image,) = images
    version = re.fullmatch(r"python:(\d+\.\d+)-slim", image)
    assert version
    assert SpecifierSet(project()["requires-python"]).contains(version[1])
    copied: set[str] = set()
    installs = []
    for instruction in stages[0]:
        if instruction.name == "COPY":
            copied |= set(instruction.words[:-1])
        if instruction.name == "RUN":
            for step in instruction.text.split("&&"):
                if "pip install" in step:
                    installs.append(step.split())
                    for flag, argument in zip(installs[-1], installs[-1][1:], strict=False):
                        if flag == "-r":
                            assert argument in copied
    assert all((CHECKOUT / name).exists() for name in copied)
    locked, own = installs
    assert "--require-hashes" in locked
    assert own[-2:] == ["--no-deps", "."]
    assert {"service", "db", "seed.sql", "pyproject.toml"} <= copied
    (bring,) = named(stages[-1], "COPY")
    assert bring.words == ["--from=build", "/opt/wallet", "/opt/wallet"]
    assert environment_of_image()["PATH"].split(":")[0] == "/opt/wallet/bin"


def health_commands() -> dict[str, list[str]]:
    """Give the commands that check the service's health, by where they stand."""
    (check,) = named(dockerfile()[-1], "HEALTHCHECK")
    _, _, command = check.text.partition("CMD ")
    image: list[str] = json.loads(command)
    kind, *words = compose()["services"]["app"]["healthcheck"]["test"]
    assert kind == "CMD"
    return {"Dockerfile": image, "docker-compose.yml": words}


@pytest.mark.parametrize("where", ["Dockerfile", "docker-compose.yml"])
def test_the_health_check_works(where: str, start_service: StartService, seeded_url: str) -> None:
    """It succeeds while the service answers, and fails when it does not."""
    program, flag, code = health_commands()[where]
    assert (program, flag) == ("python", "-c")
    with start_service(seeded_url) as service:
        port = service.base_url.rpartition(":")[2]

        def check() -> int:
            command = [sys.executable, "-c", code.replace(":3000/", f":{port}/")]
            return subprocess.run(command, env={"PORT": port}, capture_output=True, check=False).returncode

        assert check() == 0
        service.stop()
        assert check() == 1


def test_the_database_is_asked_by_tcp() -> None:
    """Its image answers on the socket while it still prepares; the check asks for its user and its database."""
    service = compose()["services"]["postgres"]
    kind, program, *options = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "pg_isready")
    environment = service["environment"]
    assert set(options) == {
        "--host=127.0.0.1",
        f"--username={environment['POSTGRES_USER']}",
        f"--dbname={environment['POSTGRES_DB']}",
    }
