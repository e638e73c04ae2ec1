"""Servers of a test's own, with the demo data."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from service import resources
from service.migrations import migrate
from tests.recovery.cluster import Cluster, server_folder

DATABASE = "wallet"

MakeCluster = Callable[[str], Cluster]


@pytest.fixture(scope="session")
def seeded_data() -> Iterator[Path]:
    """The data folder of a stopped server with the demo data in the database `wallet`."""
    with server_folder() as folder:
        cluster = Cluster(folder / "data")
        cluster.initialize()
        cluster.start()
        try:
            with cluster.connect() as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}".encode())
            migrate(cluster.url(DATABASE))
            with psycopg.connect(cluster.url(DATABASE)) as connection:
                connection.execute(resources.seed_file().read_bytes())
        finally:
            cluster.stop()
        yield folder / "data"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' account can use."""
    with server_folder() as made:
        yield made


@pytest.fixture
def make_cluster(folder: Path) -> Iterator[MakeCluster]:
    """Make a server that is stopped at the end; its data folder is not made yet: `make_cluster("standby")`."""
    with contextlib.ExitStack() as stack:

        def make(name: str) -> Cluster:
            cluster = Cluster(folder / name)
            stack.callback(cluster.stop)
            return cluster

        yield make


@pytest.fixture
def primary(make_cluster: MakeCluster, seeded_data: Path) -> Cluster:
    """A server with the demo data; not started."""
    cluster = make_cluster("primary")
    cluster.copy_of(seeded_data)
    return cluster
