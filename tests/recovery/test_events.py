"""The event feed on servers of its own: prepared transactions, a crash of the server, and a standby."""

import psycopg
import pytest

from tests.recovery.cluster import Cluster, run_as_server
from tests.recovery.conftest import DATABASE, MakeCluster
from tests.support.events import Consumer, check_complete, page_of
from tests.support.ledger import Ledger


def test_a_prepared_transaction_is_waited_for(primary: Cluster) -> None:
    """Also by a server that was killed and started again, until it is committed from elsewhere."""
    primary.configure("max_prepared_transactions = 5")
    primary.start()
    with primary.connect(DATABASE) as connection, primary.connect(DATABASE) as other:
        ledger, mine = Ledger(connection), Ledger(other)
        row = connection.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_ALICE_GC'").fetchone()
        assert row is not None
        consumer = Consumer(connection, "now")
        other.execute("BEGIN")
        prepared = mine.top_up(row[0], 5)
        other.execute("PREPARE TRANSACTION 'far away'")
        wallet = ledger.create_wallet(ledger.asset_of(row[0]))
        assert consumer.poll() == []
    primary.kill()
    primary.start()
    with primary.connect(DATABASE) as connection:
        consumer.connection = connection
        assert consumer.poll() == []
        connection.execute("COMMIT PREPARED 'far away'")
        consumer.poll()
        assert consumer.events[0]["id"] == str(prepared.id)
        assert consumer.events[1]["accountIds"] == [str(wallet)]
        everything = Consumer(connection)
        everything.poll()
        check_complete(connection, everything.events)


def test_a_standby_says_that_it_does_not_know(primary: Cluster, make_cluster: MakeCluster) -> None:
    """It sees no locks of its primary, so it refuses to read the feed; promoted, it goes on with it."""
    primary.start()
    standby = make_cluster("standby")
    run_as_server(
        [
            *("pg_basebackup", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"),
            *(f"--pgdata={standby.data}", f"--dbname={primary.url()}"),
        ],
        standby.data.parent,
    )
    standby.start()
    with primary.connect(DATABASE) as connection:
        before = page_of(connection)
        assert before["data"]
    with standby.connect(DATABASE) as connection:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="standby"):
            page_of(connection)
        primary.kill()
        standby.promote()
        assert page_of(connection)["data"] == before["data"]
        consumer = Consumer(connection, before["cursor"])
        ledger = Ledger(connection)
        row = connection.execute("SELECT id FROM wallet.asset_types WHERE symbol = 'GC'").fetchone()
        assert row is not None
        wallet = ledger.create_wallet(row[0])
        consumer.poll()
        assert [one["accountIds"] for one in consumer.events] == [[str(wallet)]]
