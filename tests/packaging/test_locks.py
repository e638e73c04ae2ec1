"""requirements.txt and requirements-dev.txt: everything needed, one version each, no file without its hash."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.packaging.files import CHECKOUT, project

LOCKS = ("requirements.txt", "requirements-dev.txt")


def entries(name: str) -> list[str]:
    """Give the entries of a lock file, each with its options, without comments."""
    text = (CHECKOUT / name).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def pinned(name: str) -> dict[str, Version]:
    """Give the versions in a lock file, by name."""
    found: dict[str, Version] = {}
    for entry in entries(name):
        requirement = Requirement(entry.split("--hash")[0])
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        found[canonicalize_name(requirement.name)] = Version(specifier.version)
    return found


def needed(requirements: list[str]) -> list[Requirement]:
    """Give all that the requirements need on this machine, and what that needs in turn, as far as it is installed."""
    found: list[Requirement] = []
    seen: set[str] = set()
    waiting = [Requirement(one) for one in requirements]
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen or not applies(requirement, set()):
            continue
        seen.add(str(requirement))
        found.append(requirement)
        try:
            of_its_own = metadata.requires(requirement.name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting += [one for one in map(Requirement, of_its_own) if applies(one, requirement.extras)]
    return found


def applies(requirement: Requirement, extras: set[str]) -> bool:
    """Whether it is needed here: its marker may name another system, or an extra nobody asked for."""
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": one}) for one in ("", *extras))


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_has_a_version_and_hashes(name: str) -> None:
    """An exact version and at least one sha256; neither an index nor an address."""
    found = entries(name)
    assert len(found) > 10
    for entry in found:
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; [^\\]+?)?( +--hash=sha256:[0-9a-f]{64})+", entry.rstrip()), entry[:80]
    text = (CHECKOUT / name).read_text()
    assert "://" not in text
    assert "--index" not in text
    names = [re.split("==", entry)[0] for entry in found]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", LOCKS)
def test_it_covers_what_the_project_needs(name: str) -> None:
    """Each dependency with its own dependencies, within the allowed versions."""
    about = project()
    extras = about["optional-dependencies"]
    wanted = about["dependencies"] + extras["client"] + extras["docs"] + extras["embedded"]
    if name == "requirements-dev.txt":
        wanted += [one for one in extras["dev"] if not one.startswith("pg-wallet")]
    lock = pinned(name)
    for requirement in needed(wanted):
        version = lock.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is missing"
        assert requirement.specifier.contains(version), f"{requirement} is not {version}"


def test_developing_and_running_use_the_same_versions() -> None:
    """What is tested is what runs."""
    running, developing = (pinned(name) for name in LOCKS)
    assert running.items() <= developing.items()


def test_the_service_needs_no_tools() -> None:
    """What is only for developing does not run in the image."""
    assert not {"pytest", "mypy", "ruff", "sqlfluff", "hypothesis", "uv"} & set(pinned("requirements.txt"))
