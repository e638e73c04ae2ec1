"""The event feed while transactions commit out of order: nothing is lost, and nothing appears behind a reader."""

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Connect
from tests.database.operation_scene import Scene, make_scene
from tests.support.database import Connection
from tests.support.events import Consumer, Event, check_complete, page_of
from tests.support.ledger import Ledger, Request
from tests.support.operations import Operation, call, change_account, let_run_out
from tests.support.session import LEVELS, READ_COMMITTED, SERIALIZABLE, Session, result_of, retried

MARK = 2**62
"""The keys of marks begin here."""


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    return make_scene(ledger)


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    with Session(database_url) as opened:
        yield opened


def horizon(connection: Connection) -> int:
    row = connection.execute("SELECT wallet.event_horizon()").fetchone()
    assert row is not None
    return int(row[0])


def number_of(connection: Connection, transaction_id: UUID) -> int:
    row = connection.execute("SELECT wallet.transaction_number(%s)", [transaction_id]).fetchone()
    assert row is not None
    return int(row[0])


def marks(connection: Connection) -> list[int]:
    """The marks that open transactions have left."""
    rows = connection.execute(
        "SELECT ((classid::bigint << 32) + objid::bigint) - %s FROM pg_locks"
        " WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        [MARK],
    ).fetchall()
    return [row[0] for row in rows]


def all_of(connection: Connection) -> list[Event]:
    consumer = Consumer(connection)
    consumer.poll()
    return consumer.events


WRITERS: dict[str, Callable[[Scene, Ledger], object]] = {
    "posts": lambda scene, ledger: ledger.spend(scene.ann, 1),
    "posts a batch": lambda scene, ledger: ledger.post(
        [Request(key=ledger.new_key(), account_id=scene.ann, asset_type_id=scene.coins, amount=1) for _ in range(3)]
    ),
    "holds": lambda scene, ledger: call(
        ledger,
        Operation(type="HOLD", key=ledger.new_key(), account_id=scene.ann, asset_type_id=scene.coins, amount=1),
    ),
    "opens a wallet": lambda scene, ledger: ledger.create_wallet(scene.coins),
    "changes a wallet": lambda scene, ledger: change_account(ledger, scene.ann, name=ledger.new_key()),
    "makes an asset type": lambda scene, ledger: ledger.create_asset_type(f"X{ledger.new_key()[4:]}"),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_an_open_transaction_has_drawn_is_waited_for(scene: Scene, session: Session, writer: str) -> None:
    """It writes and stays open while others commit before and after; each place in the feed is kept for it."""
    connection = scene.ledger.connection
    for level in LEVELS:
        consumer = Consumer(connection, "now")
        before = scene.ledger.spend(scene.bob, 1)
        session.begin(level)
        WRITERS[writer](scene, session.ledger)
        others = [scene.ledger.create_wallet(scene.coins) for _ in range(3)]
        # A posting of the same asset would wait for the open one's; one of another asset does not.
        points = scene.ledger.top_up(scene.cid, 1)
        consumer.poll()
        assert consumer.ids == [before.id], "what came before it is shown, what came after it is not"
        session.commit()
        after = scene.ledger.spend(scene.bob, 1)
        consumer.poll()
        assert consumer.ids[-2:] == [points.id, after.id]
        assert [one["accountIds"] for one in consumer.events[-5:-2]] == [[str(one)] for one in others]
        assert len(consumer.events) > 6, "what it wrote is there, in front of what was committed before it"
        assert marks(connection) == []
    check_complete(connection, all_of(connection))


def test_an_expiry_is_waited_for(scene: Scene, session: Session) -> None:
    """A transaction that books an expired hold and posts nothing keeps its place too."""
    held = scene.do("HOLD", amount=5)
    let_run_out(scene.ledger, held.id)
    consumer = Consumer(scene.ledger.connection, "now")
    session.begin(READ_COMMITTED)
    with pytest.raises(psycopg.DatabaseError), session.connection.transaction():
        session.ledger.spend(scene.ann, 1000)
    change_account(session.ledger, scene.ann, status="ACTIVE")
    scene.ledger.create_wallet(scene.coins)
    assert consumer.poll() == []
    session.commit()
    consumer.poll()
    assert consumer.types == ["hold.expired", "account.opened"]


def test_the_same_account_comes_in_its_order(scene: Scene, session: Session) -> None:
    """A second posting on the account waits for the first; their order in the feed is that of their entries."""
    connection = scene.ledger.connection
    consumer = Consumer(connection, "now")
    session.begin(READ_COMMITTED)
    first = session.ledger.spend(scene.ann, 1)
    with Session(connection.info.dsn) as other:
        waiting = other.start_and_block(lambda ledger: ledger.spend(scene.ann, 2))
        assert consumer.poll() == []
        session.commit()
        second = result_of(waiting)
    consumer.poll()
    assert consumer.ids == [first.id, second.id]


def test_a_transaction_that_is_rolled_back_leaves_no_gap_to_wait_for(scene: Scene, session: Session) -> None:
    consumer = Consumer(scene.ledger.connection, "now")
    session.begin(SERIALIZABLE)
    session.ledger.spend(scene.ann, 1)
    wallet = scene.ledger.create_wallet(scene.coins)
    assert consumer.poll() == []
    session.rollback()
    consumer.poll()
    assert [one["accountIds"] for one in consumer.events] == [[str(wallet)]]


def test_a_savepoint_takes_its_mark_along_and_the_next_posting_leaves_another(scene: Scene, session: Session) -> None:
    """Rolled back to a savepoint a transaction holds nothing up; when it posts again, it does."""
    connection = scene.ledger.connection
    for level in LEVELS:
        consumer = Consumer(connection, "now")
        session.begin(level)
        session.connection.execute("SAVEPOINT one")
        session.ledger.spend(scene.ann, 1)
        session.connection.execute("ROLLBACK TO one")
        assert marks(connection) == []
        first = scene.ledger.create_wallet(scene.coins)
        consumer.poll()
        assert consumer.events[-1]["accountIds"] == [str(first)]
        posted = session.ledger.bonus(scene.ann, 2)
        session.connection.execute("SAVEPOINT two")
        session.ledger.spend(scene.ann, 1)
        session.connection.execute("ROLLBACK TO two")
        second = scene.ledger.create_wallet(scene.coins)
        assert consumer.poll() == [], "the mark from before the second savepoint stays"
        session.commit()
        consumer.poll()
        assert consumer.events[1]["id"] == str(posted.id)
        assert consumer.events[2]["accountIds"] == [str(second)]
    check_complete(connection, all_of(connection))


def test_a_released_savepoint_keeps_its_mark(scene: Scene, session: Session) -> None:
    session.begin(READ_COMMITTED)
    session.connection.execute("SAVEPOINT one")
    posted = session.ledger.spend(scene.ann, 1)
    session.connection.execute("RELEASE one")
    scene.ledger.create_wallet(scene.coins)
    assert horizon(scene.ledger.connection) < number_of(session.connection, posted.id)
    session.commit()


def test_one_transaction_leaves_one_mark(scene: Scene, session: Session) -> None:
    """However much it posts: the server's table of locks is not for the taking. The next leaves its own."""
    connection = scene.ledger.connection
    session.begin(READ_COMMITTED)
    for _ in range(5):
        session.ledger.spend(scene.ann, 1)
        session.ledger.create_wallet(scene.coins)
    first = marks(connection)
    assert len(first) == 1
    session.connection.execute("COMMIT AND CHAIN")
    session.ledger.spend(scene.ann, 1)
    second = marks(connection)
    assert len(second) == 1
    assert second > first
    session.commit()
    left = session.connection.execute("SELECT current_setting('wallet.numbers_marked_by')").fetchone()
    assert left == ("",), "nothing of it stays in the session"


def test_a_setting_of_the_session_is_no_mark(scene: Scene, session: Session) -> None:
    """What a session has left in the setting by which a transaction remembers its mark, means nothing."""
    session.begin(READ_COMMITTED)
    session.ledger.spend(scene.ann, 1)
    row = session.connection.execute("SELECT current_setting('wallet.numbers_marked_by')").fetchone()
    assert row is not None
    session.commit()
    session.connection.execute("SELECT set_config('wallet.numbers_marked_by', %s, FALSE)", [row[0]])
    session.begin(READ_COMMITTED)
    session.ledger.spend(scene.ann, 1)
    assert len(marks(scene.ledger.connection)) == 1
    session.commit()


def test_who_takes_the_keys_of_marks_stops_no_posting_and_loses_no_event(scene: Scene, session: Session) -> None:
    """Locks on the next keys, for oneself alone: postings mark a lower number and go on."""
    connection = scene.ledger.connection
    number = horizon(connection)
    consumer = Consumer(connection, "now")
    with Session(connection.info.dsn) as rude:
        for key in range(number - 3, number + 20):
            rude.connection.execute("SELECT pg_advisory_lock(%s)", [MARK + key])
        session.begin(READ_COMMITTED)
        posted = result_of(session.start(lambda ledger: ledger.spend(scene.ann, 1)))
        assert marks(connection).count(number - 4) == 1
        wallet = scene.ledger.create_wallet(scene.coins)
        assert consumer.poll() == []
        session.commit()
        consumer.poll()
    assert consumer.events[0]["id"] == str(posted.id)
    assert consumer.events[1]["accountIds"] == [str(wallet)]


def test_locks_of_others_mean_nothing(scene: Scene, session: Session) -> None:
    """Advisory locks with other keys, of two numbers, and the same keys in another database."""
    connection = scene.ledger.connection
    for lock in (
        "pg_advisory_lock_shared(5)",
        f"pg_advisory_lock_shared({2**31 - 1}, 1)",
        "pg_advisory_lock_shared(-1)",
    ):
        session.connection.execute(f"SELECT {lock}".encode())
    session.connection.execute("SELECT pg_advisory_lock_shared(1073741824, 1)")
    with contextlib.closing(
        psycopg.connect(connection.info.dsn.replace(f"dbname={connection.info.dbname}", "dbname=postgres"))
    ) as elsewhere:
        assert elsewhere.info.dbname == "postgres"
        elsewhere.execute("SELECT pg_advisory_lock_shared(%s)", [MARK])
        number = horizon(connection)
        row = connection.execute("SELECT last_value FROM wallet.transaction_numbers").fetchone()
        assert row == (number,)
    session.connection.execute("SELECT pg_advisory_lock_shared(%s)", [MARK + number - 1])
    assert horizon(connection) == number - 1


def test_a_reader_far_behind_goes_on_while_a_job_keeps_its_transaction_open(scene: Scene, session: Session) -> None:
    """Only what comes after the open transaction waits."""
    connection = scene.ledger.connection
    posted = [scene.ledger.spend(scene.ann, "0.01").id for _ in range(30)]
    session.begin(READ_COMMITTED)
    session.ledger.spend(scene.bob, 1)
    consumer = Consumer(connection)
    while (page := page_of(connection, consumer.cursor, 7))["hasMore"]:
        consumer.events += page["data"]
        consumer.cursor = page["cursor"]
    consumer.events += page["data"]
    assert consumer.ids[-30:] == posted
    session.rollback()


def test_a_page_is_younger_than_its_horizon(scene: Scene, session: Session) -> None:
    """A statement that began before a posting and reads the feed after it shows it: its cursor passes nothing by."""
    connection = scene.ledger.connection
    cursor = Consumer(connection, "now").cursor
    connection.execute("SELECT pg_advisory_lock(5)")
    waiting = session.start_and_block(
        lambda ledger: ledger.connection.execute(
            "SELECT CASE WHEN pg_advisory_lock(5) IS NOT NULL THEN wallet.list_events(%s) END", [cursor]
        ).fetchone()
    )
    posted = scene.ledger.spend(scene.ann, 1)
    connection.execute("SELECT pg_advisory_unlock(5)")
    row = result_of(waiting)
    assert row is not None
    assert [one["id"] for one in row[0]["data"]] == [str(posted.id)]


WRITE_ON = """
    DO $$ BEGIN
        FOR i IN 1..600 LOOP
            PERFORM wallet.top_up('{account}', '{asset}', 1, 'on-{account}-' || i);
            COMMIT;
        END LOOP;
    END $$
"""

READ_ON = """
    DO $$
    DECLARE
        v_page json;
        v_cursor text := '{cursor}';
        v_count bigint := 0;
    BEGIN
        FOR i IN 1..1500 LOOP
            v_page := wallet.list_events(v_cursor, 1000);
            v_cursor := v_page ->> 'cursor';
            v_count := v_count + json_array_length(v_page -> 'data');
            COMMIT;
        END LOOP;
        PERFORM set_config('test.cursor', v_cursor, FALSE), set_config('test.count', v_count::text, FALSE);
    END $$
"""


def test_readers_without_a_pause(scene: Scene, database_url: str, connect: Connect) -> None:
    """Writers and readers at full speed, on the server itself: a gap of microseconds in the horizon would be hit."""
    cursor = Consumer(scene.ledger.connection, "now").cursor
    wallets = ((scene.ann, scene.coins), (scene.cid, scene.points))
    writing = [WRITE_ON.format(account=account_id, asset=asset_id) for account_id, asset_id in wallets]
    readers = [connect(database_url) for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        running = [
            *(threads.submit(connect(database_url).execute, one.encode()) for one in writing),
            *(threads.submit(reader.execute, READ_ON.format(cursor=cursor).encode()) for reader in readers),
        ]
        for one in running:
            one.result(60)
    for reader in readers:
        row = reader.execute("SELECT current_setting('test.cursor'), current_setting('test.count')::integer").fetchone()
        assert row is not None
        rest = Consumer(reader, row[0]).poll(1000)
        assert row[1] + len(rest) == 1200


def test_random_histories(database_url: str, connect: Connect, ledger: Ledger) -> None:
    """Writers at every level, in transactions of several steps with savepoints, some rolled back; readers at random.

    Each reader has everything that was committed, once, each account in its order, however it was cut into pages.
    """
    scene = make_scene(ledger)
    wallets = [scene.ann, scene.bob, scene.zoe, *(ledger.create_wallet(scene.points) for _ in range(3))]
    for wallet in wallets:
        ledger.top_up(wallet, 1000)
    stop = threading.Event()

    def write(seed: int) -> None:
        choose = random.Random(seed)
        with contextlib.closing(psycopg.connect(database_url, autocommit=True)) as connection:
            mine = Ledger(connection)
            for _ in range(25):
                level = choose.choice(LEVELS)
                retried(lambda level=level: transact(mine, choose, level))  # type: ignore[misc]  # mypy infers no default

    def transact(mine: Ledger, choose: random.Random, level: str) -> None:
        connection = mine.connection
        connection.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
        try:
            for _ in range(choose.randint(1, 3)):
                connection.execute("SAVEPOINT s")
                step(mine, choose)
                if choose.random() < 0.3:
                    connection.execute("ROLLBACK TO s")
                    if choose.random() < 0.5:
                        step(mine, choose)
            connection.execute("SELECT pg_sleep(%s)", [choose.random() / 200])
            connection.execute(choose.choice(("COMMIT", "COMMIT", "COMMIT", "ROLLBACK")).encode())
        except psycopg.Error:
            connection.execute("ROLLBACK")
            raise

    def step(mine: Ledger, choose: random.Random) -> None:
        wallet = choose.choice(wallets)
        match choose.randrange(6):
            case 0:
                mine.create_wallet(choose.choice((scene.coins, scene.points)))
            case 1:
                change_account(mine, wallet, name=mine.new_key())
            case 2:
                held = call(
                    mine,
                    Operation(
                        type="HOLD",
                        key=mine.new_key(),
                        account_id=wallet,
                        asset_type_id=mine.asset_of(wallet),
                        amount=1,
                    ),
                )
                call(mine, Operation(type=choose.choice(("VOID", "CAPTURE")), key=mine.new_key(), related_id=held.id))
            case _:
                choose.choice((mine.top_up, mine.spend))(wallet, 1)

    def read(seed: int) -> Consumer:
        choose = random.Random(seed)
        consumer = Consumer(connect(database_url))
        while not stop.is_set():
            consumer.poll(choose.choice((1, 3, 20, 1000)))
            stop.wait(choose.random() / 50)
        consumer.poll()
        return consumer

    with ThreadPoolExecutor(9) as threads:
        readers = [threads.submit(read, seed) for seed in range(3)]
        writers = [threads.submit(write, seed) for seed in range(6)]
        for writer in writers:
            writer.result(60)
        stop.set()
        consumers = [reader.result(60) for reader in readers]
    for consumer in consumers:
        check_complete(ledger.connection, consumer.events)
        assert consumer.events == consumers[0].events
    assert ledger.problems() == {}
