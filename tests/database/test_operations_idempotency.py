"""Keys of operations of every kind: the same again whatever has happened since; other requests under a known key."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from tests.database.operation_scene import Scene, make_scene
from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Ledger
from tests.support.operations import TYPES, Operation, call, change_account, entry, let_run_out, post
from tests.support.refusal import refused

DIFFERS = ["Differs from the first request with this idempotency key."]

SPECIAL = tuple(kind for kind in TYPES if kind not in ("TOP_UP", "BONUS", "SPEND"))

LATER = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test has wallets and keys of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    return make_scene(ledger)


def full(scene: Scene, kind: str) -> Operation:
    """A good operation with every text there can be."""
    if kind == "VOID":
        return scene.good(kind)
    return replace(scene.good(kind), reference_id="ref", description="desc", metadata={"a": 1, "b": None})


@pytest.mark.parametrize("kind", SPECIAL)
def test_the_same_again_gives_the_first_answer(scene: Scene, kind: str) -> None:
    """Word for word, by function and in a batch, twice in one batch too; nothing is written."""
    operation = full(scene, kind)
    first = call(scene.ledger, operation)
    before = scene.ledger.state()
    again = call(scene.ledger, operation)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.answer == first.answer
    answers = post(scene.ledger, [operation, operation])
    assert [(one.outcome, one.details) for one in answers] == [("REPLAYED", None)] * 2
    assert answers[0].transaction_id == answers[1].transaction_id
    assert scene.ledger.state() == before
    twice = post(scene.ledger, [replace(full(scene, kind), key="twice" + operation.key)] * 2)  # type: ignore[operator]
    assert [one.outcome for one in twice] == ["POSTED", "REPLAYED"]


AFTERWARDS: dict[str, tuple[str, Callable[[Scene, Operation, Any], object]]] = {
    "TRANSFER refunded": ("TRANSFER", lambda scene, _, made: scene.do("REFUND", related_id=made.id)),
    "JOURNAL refunded": ("JOURNAL", lambda scene, _, made: scene.do("REFUND", related_id=made.id)),
    "CAPTURE refunded": ("CAPTURE", lambda scene, _, made: scene.do("REFUND", related_id=made.id, amount=1)),
    "REFUND, then the rest": ("REFUND", lambda scene, asked, _: scene.do("REFUND", related_id=asked.related_id)),
    "HOLD captured": ("HOLD", lambda scene, _, made: scene.do("CAPTURE", related_id=made.id, amount=2)),
    "HOLD voided": ("HOLD", lambda scene, _, made: scene.do("VOID", related_id=made.id)),
    "HOLD of a frozen wallet": ("HOLD", lambda scene, *_: change_account(scene.ledger, scene.ann, status="FROZEN")),
    "TRANSFER with nothing left": ("TRANSFER", lambda scene, *_: scene.do("SPEND", amount=95)),
    "CONVERSION with nothing left": ("CONVERSION", lambda scene, *_: scene.do("SPEND", amount=95)),
    "HOLD with nothing left": ("HOLD", lambda scene, *_: scene.do("HOLD", amount=95)),
    **{
        f"{kind} of an asset that is off": (
            kind,
            lambda scene, *_: scene.ledger.connection.execute(
                "SELECT wallet.change_asset_type(%s, '{\"isActive\": false}', 'a test')", [scene.coins]
            ),
        )
        for kind in SPECIAL
    },
}


@pytest.mark.parametrize("name", AFTERWARDS)
def test_a_replay_is_answered_as_the_first_time(scene: Scene, name: str) -> None:
    """Whatever has become of it since, and although it would be refused now."""
    kind, later = AFTERWARDS[name]
    operation = full(scene, kind)
    first = call(scene.ledger, operation)
    later(scene, operation, first)
    before = scene.ledger.state()
    again = call(scene.ledger, operation)
    assert again.replayed
    assert again.answer == first.answer
    [answer] = post(scene.ledger, [operation])
    assert answer.outcome == "REPLAYED"
    assert scene.ledger.state() == before


def test_a_hold_that_has_run_out_is_replayed(scene: Scene) -> None:
    """As it was made: pending, whether its end was given or not; its instants are those that were moved."""
    for expires_at in (None, datetime.now(UTC) + timedelta(hours=1)):
        operation = scene.operation("HOLD", expires_at=expires_at)
        first = call(scene.ledger, operation)
        let_run_out(scene.ledger, first.id)
        again = call(scene.ledger, operation)
        assert again.replayed
        moved = {"createdAt", "updatedAt", "expiresAt"}
        assert {name: value for name, value in again.answer.items() if name not in moved} == {
            name: value for name, value in first.answer.items() if name not in moved
        }
        assert again.answer["state"] == "ACTIVE"


CHANGES: dict[str, dict[str, Callable[[Scene, Operation], dict[str, Any]]]] = {
    "TRANSFER": {
        "fromAccountId": lambda scene, _: {"account_id": scene.zoe},
        "toAccountId": lambda scene, _: {"to_account_id": scene.zoe},
        "amount": lambda *_: {"amount": "5.01"},
    },
    "JOURNAL": {
        "entries": lambda scene, _: {"entries": [entry(scene.bob, "CREDIT", 5), entry(scene.ann, "DEBIT", 5)]},
    },
    "REFUND": {
        "transactionId": lambda scene, _: {"related_id": scene.do("SPEND").id},
        "amount": lambda *_: {"amount": 3},
        "onShortfall": lambda *_: {"on_shortfall": "debt"},
    },
    "HOLD": {
        "accountId": lambda scene, _: {"account_id": scene.bob},
        "toAccountId": lambda scene, _: {"to_account_id": scene.bob},
        "amount": lambda *_: {"amount": 6},
        "expiresAt": lambda *_: {"expires_at": datetime.now(UTC) + timedelta(hours=1)},
    },
    "CAPTURE": {
        "holdId": lambda scene, _: {"related_id": scene.do("HOLD").id},
        # All of it, said or not, is not the same words.
        "amount": lambda *_: {"amount": 5},
    },
    "VOID": {"holdId": lambda scene, _: {"related_id": scene.do("HOLD").id}},
    "CONVERSION": {
        "fromAccountId": lambda scene, _: {"account_id": scene.bob},
        "amount": lambda *_: {"amount": 4},
        "rate": lambda *_: {"rate": "2.000000000001"},
    },
}
"""By type and public name of a field: another value of it."""

for _kind in SPECIAL:
    if _kind != "VOID":
        CHANGES[_kind] |= {
            "referenceId": lambda *_: {"reference_id": None},
            "reason" if _kind == "REFUND" else "description": lambda *_: {"description": ""},
            "metadata": lambda *_: {"metadata": {"a": 1}},
        }


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, changes in CHANGES.items() for field in changes])
def test_another_request_under_the_key_names_the_field(scene: Scene, kind: str, field: str) -> None:
    """idempotency_key_reused, with exactly the field that differs, by function and in a batch."""
    operation = full(scene, kind)
    call(scene.ledger, operation)
    changed = replace(operation, **CHANGES[kind][field](scene, operation))
    with refused(scene.ledger, "idempotency_key_reused") as refusal:
        call(scene.ledger, changed)
    assert refusal.details == {field: DIFFERS}
    [answer] = post(scene.ledger, [changed])
    assert (answer.code, answer.details) == ("idempotency_key_reused", {field: DIFFERS})


SPELLINGS: dict[str, Callable[[Scene, Operation], dict[str, Any]]] = {
    "TRANSFER": lambda *_: {"amount": "5.0000", "metadata": {"b": None, "a": 1.0}},
    "JOURNAL": lambda scene, _: {"entries": [entry(scene.ann, "DEBIT", "5.00"), entry(scene.bob, "CREDIT", "05")]},
    "REFUND": lambda *_: {"amount": "2.00", "on_shortfall": "refuse"},
    "HOLD": lambda *_: {"amount": "5.0", "expires_at": LATER.astimezone(timezone(timedelta(hours=5)))},
    "CAPTURE": lambda *_: {"metadata": {"b": None, "a": 1.0}},
    "CONVERSION": lambda *_: {"amount": "5.00", "rate": "2.000000000000"},
}


@pytest.mark.parametrize("kind", SPELLINGS)
def test_another_spelling_of_the_same_is_the_same(scene: Scene, kind: str) -> None:
    """Zeros, the order of metadata's fields, time zones, a default said."""
    operation = full(scene, kind)
    if kind == "HOLD":
        soon = datetime.now(UTC) + timedelta(hours=1)
        operation = replace(operation, expires_at=soon)
        change = {**SPELLINGS[kind](scene, operation), "expires_at": soon.astimezone(timezone(timedelta(hours=5)))}
    else:
        change = SPELLINGS[kind](scene, operation)
    call(scene.ledger, operation)
    assert call(scene.ledger, replace(operation, **change)).replayed


@pytest.mark.parametrize("first", TYPES)
def test_a_key_of_another_kind_is_told_by_its_type(scene: Scene, first: str) -> None:
    """Whatever the kinds are. Between kinds that have the same fields, these differ too if they do."""
    operation = scene.good(first)
    call(scene.ledger, operation)
    for second in TYPES:
        if second == first:
            continue
        other = replace(scene.good(second), key=operation.key)
        with refused(scene.ledger, "idempotency_key_reused") as refusal:
            call(scene.ledger, other)
        assert "type" in refusal.details, second
        if {first, second} & {"JOURNAL", "REFUND", "HOLD", "CAPTURE", "VOID", "CONVERSION"}:
            assert refusal.details == {"type": DIFFERS}


def test_a_refused_operation_keeps_no_key(scene: Scene) -> None:
    """Its key is free, for any kind; in one batch, too."""
    key = scene.ledger.new_key()
    for kind in SPECIAL:
        refused_one = replace(scene.good(kind), key=key)
        values = (
            {"entries": [entry(scene.ann, "DEBIT", 1000), entry(scene.bob, "CREDIT", 1000)]}
            if kind == "JOURNAL"
            else {"related_id": uuid4()}
            if kind in ("REFUND", "CAPTURE", "VOID")
            else {"amount": 1000}
        )
        assert post(scene.ledger, [replace(refused_one, **values)])[0].outcome == "REFUSED"
    answers = post(
        scene.ledger,
        [
            scene.operation("HOLD", key=key, amount=1000),
            scene.operation("SPEND", key=key),
            scene.operation("HOLD", key=key),
        ],
    )
    assert [(one.outcome, one.code) for one in answers] == [
        ("REFUSED", "insufficient_balance"),
        ("POSTED", None),
        ("REFUSED", "idempotency_key_reused"),
    ]
    assert scene.ledger.problems() == {}
