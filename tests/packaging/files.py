"""The checkout's own files, as tests read them."""

import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from service.resources import PACKAGE_FOLDER

CHECKOUT = PACKAGE_FOLDER.parent


def project() -> dict[str, Any]:
    """Give the table `project` of pyproject.toml."""
    found: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return found


def compose() -> dict[str, Any]:
    """Give docker-compose.yml, decoded."""
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    return found


@dataclass(frozen=True)
class Instruction:
    """An instruction of a Dockerfile."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its words, as a shell splits them."""
        return shlex.split(self.text)


def dockerfile() -> list[list[Instruction]]:
    """Give the instructions of the Dockerfile, stage by stage."""
    lines = [line for line in (CHECKOUT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    stages: list[list[Instruction]] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, text = line.strip().partition(" ")
        if name == "FROM":
            stages.append([])
        if name:
            stages[-1].append(Instruction(name, text.strip()))
    return stages


def named(stage: list[Instruction], name: str) -> list[Instruction]:
    """Give the instructions of that name in a stage."""
    return [one for one in stage if one.name == name]


def contents(folder: Path) -> dict[str, bytes]:
    """Give the files below a folder with what is in them; what Python compiled is left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
