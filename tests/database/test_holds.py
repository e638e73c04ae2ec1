"""Holds and time: the end is exact to the microsecond, whether anything is ever booked or not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.database.operation_scene import Scene, make_scene
from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Ledger
from tests.support.operations import Operation, change_account, funds, hold_of, let_run_out, post
from tests.support.session import Session, result_of


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test has wallets of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    return make_scene(ledger)


def booked(scene: Scene, hold: object) -> tuple[Any, ...]:
    """Give what is booked of a hold, and as held on Ann's wallet."""
    row = scene.ledger.connection.execute(
        "SELECT h.state::text, h.closed_at = h.expires_at, a.held FROM wallet.holds AS h"
        " JOIN wallet.accounts AS a ON a.id = h.account_id WHERE h.id = %s",
        [hold],
    ).fetchone()
    assert row is not None
    return row


def listed(scene: Scene, status: str) -> list[Any]:
    """Give the ids of Ann's holds of a status."""
    row = scene.ledger.connection.execute("SELECT wallet.list_holds(%s, %s, 1, 100)", [scene.ann, status]).fetchone()
    assert row is not None
    return [one["id"] for one in row[0]["data"]]


def problems(scene: Scene) -> dict[str, int]:
    """Run the doctor, who minds that the clock was ahead in some of these tests."""
    return {name: count for name, count in scene.ledger.problems().items() if name != "check_clock"}


def test_a_hold_that_has_run_out_holds_nothing_although_nothing_is_booked(scene: Scene) -> None:
    """No job has run, nobody has posted: it is shown as expired, its amount is available, no list has it as pending."""
    hold = scene.do("HOLD", amount=60)
    assert funds(scene.ledger, scene.ann) == (100, 60, 40)
    let_run_out(scene.ledger, hold.id)
    before = scene.ledger.state()
    shown = hold_of(scene.ledger, hold.id)
    assert (shown["status"], shown["state"], shown["closedAt"], shown["updatedAt"]) == (
        "FAILED", "EXPIRED", shown["expiresAt"], shown["expiresAt"],
    )  # fmt: skip
    assert funds(scene.ledger, scene.ann) == (100, 0, 100)
    assert (listed(scene, "PENDING"), listed(scene, "FAILED")) == ([], [str(hold.id)])
    assert booked(scene, hold.id) == ("ACTIVE", None, 60)
    assert problems(scene) == {}
    assert scene.ledger.state() == before


def test_the_next_posting_on_the_wallet_books_it(scene: Scene) -> None:
    """Of whatever kind, also one that is refused; what was held is there to be spent by that very posting."""
    for kind, values in (
        ("SPEND", {"amount": 100}),
        ("TOP_UP", {}),
        ("HOLD", {"amount": 100}),
        ("TRANSFER", {"account_id": "bob", "to_account_id": "ann"}),
        ("SPEND", {"amount": 1000}),
    ):
        mine = make_scene(scene.ledger)
        hold = mine.do("HOLD", amount=60)
        let_run_out(mine.ledger, hold.id)
        named = {name: getattr(mine, value) if value in ("ann", "bob") else value for name, value in values.items()}
        answer = mine.ask(kind, **named)
        assert answer.outcome == ("REFUSED" if values.get("amount") == 1000 else "POSTED"), kind
        held = 100 if kind == "HOLD" else 0
        assert booked(mine, hold.id) == ("EXPIRED", True, held)
        assert hold_of(mine.ledger, hold.id)["state"] == "EXPIRED"
        assert problems(mine) == {}


def test_what_is_booked_changes_nothing_that_is_shown(scene: Scene) -> None:
    """A refused posting may book it: accounts, balances and holds read the same before and after."""
    hold = scene.do("HOLD", amount=60)
    let_run_out(scene.ledger, hold.id)
    query = "SELECT wallet.get_account(%s)::jsonb, (SELECT answer::jsonb FROM wallet.read_balances(ARRAY[%s]))"
    before = scene.ledger.connection.execute(query, [scene.ann, scene.ann]).fetchone()
    shown = hold_of(scene.ledger, hold.id)
    assert scene.ask("CAPTURE", related_id=hold.id).code == "hold_expired"
    assert booked(scene, hold.id) == ("EXPIRED", True, 0)
    assert scene.ledger.connection.execute(query, [scene.ann, scene.ann]).fetchone() == before
    assert hold_of(scene.ledger, hold.id) == shown


@pytest.mark.parametrize(("microseconds", "is_open"), [(-1, False), (0, False), (1, True)])
def test_the_end_is_exact_to_the_microsecond(scene: Scene, microseconds: int, is_open: bool) -> None:
    """A posting's instant is that of the wallet, which is ahead of the clock here: from the end on nothing is held."""
    hold = scene.do("HOLD", amount=60)
    now = datetime(2099, 1, 1, tzinfo=UTC)
    scene.ledger.connection.execute("UPDATE wallet.accounts SET updated_at = %s WHERE id = %s", [now, scene.ann])
    scene.ledger.connection.execute(
        "UPDATE wallet.holds SET expires_at = %s WHERE id = %s", [now + timedelta(microseconds=microseconds), hold.id]
    )
    assert funds(scene.ledger, scene.ann) == ((100, 60, 40) if is_open else (100, 0, 100))
    assert scene.ask("SPEND", amount="40.01").code == ("insufficient_balance" if is_open else None)
    for kind in ("CAPTURE", "VOID"):
        with scene.ledger.connection.transaction(force_rollback=True):
            assert scene.ask(kind, related_id=hold.id).code == (None if is_open else "hold_expired")
    # The doctor would mind the year.
    scene.ledger.connection.execute(
        "UPDATE wallet.holds SET expires_at = created_at + interval '1 day', closed_at ="
        " CASE WHEN closed_at IS NOT NULL THEN created_at + interval '1 day' END WHERE id = %s",
        [hold.id],
    )


def test_a_hold_is_shown_as_run_out_from_its_end_on(scene: Scene) -> None:
    """Not a microsecond earlier or later."""
    hold = scene.do("HOLD").id
    shown = scene.ledger.connection.execute(
        "SELECT wallet.hold_json(h, h.expires_at + n * interval '1 microsecond') ->> 'state'"
        " FROM wallet.holds AS h, generate_series(-1, 1) AS n WHERE h.id = %s ORDER BY n",
        [hold],
    ).fetchall()
    assert shown == [("ACTIVE",), ("EXPIRED",), ("EXPIRED",)]


def test_some_of_the_holds_of_a_wallet_run_out(scene: Scene) -> None:
    """Only theirs is free; two that run out at once are booked at once, each at its own end."""
    holds = [scene.do("HOLD", amount=amount).id for amount in (10, 20, 30)]
    let_run_out(scene.ledger, holds[0])
    let_run_out(scene.ledger, holds[2])
    assert funds(scene.ledger, scene.ann) == (100, 20, 80)
    assert scene.ask("SPEND", amount="80.01").code == "insufficient_balance"
    assert scene.ask("SPEND", amount=80).code is None
    assert [booked(scene, hold) for hold in holds] == [
        ("EXPIRED", True, 20),
        ("ACTIVE", None, 20),
        ("EXPIRED", True, 20),
    ]
    assert problems(scene) == {}


def test_a_frozen_wallets_hold(scene: Scene) -> None:
    """It is kept, cannot be captured, can be voided, and runs out; thawed, it can be captured."""
    holds = [scene.do("HOLD", amount=10).id for _ in range(3)]
    change_account(scene.ledger, scene.ann, status="FROZEN")
    assert funds(scene.ledger, scene.ann)[1] == 30
    assert scene.ask("CAPTURE", related_id=holds[0]).code == "account_frozen"
    assert scene.ask("VOID", related_id=holds[1]).code is None
    let_run_out(scene.ledger, holds[2])
    assert scene.ask("VOID", related_id=holds[2]).code == "hold_expired"
    change_account(scene.ledger, scene.ann, status="ACTIVE")
    assert scene.ask("CAPTURE", related_id=holds[0]).code is None
    assert funds(scene.ledger, scene.ann) == (90, 0, 90)
    assert problems(scene) == {}


def test_a_debt_takes_what_is_held_no_further_than_its_limit(scene: Scene) -> None:
    """What is held is no more to be spent by a clawback than by anything else, but for the debt that is allowed."""
    change_account(scene.ledger, scene.zoe, debtMax=5)
    top_up = scene.do("TOP_UP", account_id=scene.zoe, amount=10).id
    hold = scene.do("HOLD", account_id=scene.zoe, amount=8).id
    assert scene.ask("REFUND", related_id=top_up, amount="2.01").code == "insufficient_balance"
    assert scene.ask("REFUND", related_id=top_up, amount="7.01", on_shortfall="debt").code == "insufficient_balance"
    assert scene.ask("REFUND", related_id=top_up, amount=7, on_shortfall="debt").code is None
    assert funds(scene.ledger, scene.zoe) == (3, 8, -5)
    # There is not as much as was promised: 3 can be captured, no more.
    assert scene.ask("CAPTURE", related_id=hold).code == "insufficient_balance"
    assert scene.ask("CAPTURE", related_id=hold, amount="3.01").code == "insufficient_balance"
    assert scene.ask("CAPTURE", related_id=hold, amount=3).code is None
    assert funds(scene.ledger, scene.zoe) == (0, 0, 0)
    assert problems(scene) == {}


def test_a_hold_whose_end_passes_while_it_waits_is_not_made(database_url: str, scene: Scene) -> None:
    """The wallet's last posting was made by a clock ahead, or the lock came late: refused, and nobody sees an error."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    scene.ledger.connection.execute(
        "UPDATE wallet.accounts SET updated_at = clock_timestamp() + interval '2 hours' WHERE id = %s", [scene.ann]
    )
    answers = post(
        scene.ledger, [scene.operation("HOLD", expires_at=soon), scene.operation("SPEND"), scene.operation("HOLD")]
    )
    assert [one.code for one in answers] == ["expiry_out_of_range", None, None]
    assert problems(scene) == {}


def test_a_hold_that_waits_too_long_for_its_wallet(database_url: str, scene: Scene) -> None:
    """Its end was in the future when it was asked for, and is in the past when its turn comes: to be run again."""
    with Session(database_url) as holder, Session(database_url) as waiter:
        holder.begin("READ COMMITTED")
        # Whoever posts here moves the wallet's last instant past the end of the hold that waits.
        holder.connection.execute(
            "UPDATE wallet.accounts SET updated_at = clock_timestamp() + interval '2 hours' WHERE id = %s", [scene.ann]
        )
        operation = scene.operation("HOLD", expires_at=datetime.now(UTC) + timedelta(hours=1))
        waiting = waiter.start_and_block(lambda ledger: post(ledger, [operation]))
        holder.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            result_of(waiting)
        [answer] = post(waiter.ledger, [operation])
        assert answer.code == "expiry_out_of_range"
    assert problems(scene) == {}


def test_a_hold_without_an_end_has_seven_days(scene: Scene) -> None:
    """Unless told; a replay asks for the same although a week from now is another instant."""
    hold = scene.do("HOLD")
    made, ends = (datetime.fromisoformat(hold.answer[name]) for name in ("createdAt", "expiresAt"))
    assert timedelta(0) <= made + timedelta(days=7) - ends < timedelta(minutes=1)


def test_holds_are_never_removed(scene: Scene, connect: Connect, database_url: str) -> None:
    """Nobody may: neither the superuser without passing by the guards, nor a job at all."""
    scene.do("HOLD")
    for statement in ("DELETE FROM wallet.holds", "TRUNCATE wallet.holds", "DELETE FROM wallet.refund_totals"):
        with pytest.raises(psycopg.DatabaseError) as raised:
            scene.ledger.connection.execute(statement.encode())
        assert raised.value.sqlstate == "WL012"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connect(database_url, "wallet_jobs").execute(statement.encode())


def test_an_operation_posts_nothing_for_a_hold(scene: Scene) -> None:
    """A hold moves no balance, makes no entry and no version: only its capture does."""
    query = "SELECT version, balance FROM wallet.accounts WHERE id = %s"
    before = scene.ledger.connection.execute(query, [scene.ann]).fetchone()
    hold = scene.do("HOLD", amount=60)
    voided = scene.do("HOLD", amount=10)
    post(scene.ledger, [Operation(type="VOID", key=scene.ledger.new_key(), related_id=voided.id)])
    assert scene.ledger.connection.execute(query, [scene.ann]).fetchone() == before
    scene.do("CAPTURE", related_id=hold.id)
    after = scene.ledger.connection.execute(query, [scene.ann]).fetchone()
    assert before is not None
    assert after == (before[0] + 1, before[1] - 60)
