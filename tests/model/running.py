"""How much is tried, and from which seed."""

import os
import random
from dataclasses import dataclass

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import LedgerMachine

EXAMPLES = 40
STEPS = 50
_SEED_MAX = 2**32

_ROUND_EXAMPLES = 10
"""So many histories are drawn from one seed: later ones resemble those before more and more."""


@dataclass(frozen=True)
class Effort:
    """How many histories of how many steps are drawn, from which seed."""

    seed: int
    examples: int
    steps: int

    def __str__(self) -> str:
        return f"MODEL_SEED={self.seed} MODEL_EXAMPLES={self.examples} MODEL_STEPS={self.steps}"


def effort() -> Effort:
    """Read it from the environment; a seed that is not set is drawn."""
    return Effort(
        int(os.environ.get("MODEL_SEED") or random.SystemRandom().randrange(_SEED_MAX)),
        int(os.environ.get("MODEL_EXAMPLES") or EXAMPLES),
        int(os.environ.get("MODEL_STEPS") or STEPS),
    )


def run_histories(machine: type[LedgerMachine], effort: Effort, *, shrink: bool = True) -> None:
    """Run the machine.

    Args:
        machine: what draws and checks a history.
        effort: how many, how long, from where.
        shrink: whether a failure is made as short as can be.

    Raises:
        Exception: what the first history that fails raised, with what repeats its round in its notes.
    """
    for start in range(0, effort.examples, _ROUND_EXAMPLES):
        examples = min(_ROUND_EXAMPLES, effort.examples - start)
        _run_round(machine, Effort(effort.seed + start // _ROUND_EXAMPLES, examples, effort.steps), shrink=shrink)


def _run_round(machine: type[LedgerMachine], effort: Effort, *, shrink: bool) -> None:
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    settings = hypothesis.settings(
        max_examples=effort.examples,
        stateful_step_count=effort.steps,
        deadline=None,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(hypothesis.seed(effort.seed)(machine), settings=settings)
    except BaseException as error:
        error.add_note(f"To repeat it: {effort}")
        raise
