"""What nobody thought of: requests made from the description, good and bad, against the service as a process."""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Connect, StartService
from tests.http.described import closed, document
from tests.http.keyed import Keys
from tests.support.ledger import Ledger

SECONDS_MAX = 45
"""How long it goes on making up requests."""

SUCCESSES_MIN = 10
"""Routes that some request gets a success of, at least: else the run would show little."""

SEED = os.environ.get("WALLET_TEST_SEED", "")
"""Names a run to repeat; the report of each run says its own."""

# Conformance to the description is checked of every answer. Whether a request that fits its schema is accepted is
# not, where values are made up: that an amount has 4 digits after the point is more than a schema can say.
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[phases.fuzzing.checks.positive_data_acceptance]
enabled = false

[phases.stateful.checks.positive_data_acceptance]
enabled = false

# In this phase it takes some good requests for bad ones.
[phases.stateful.checks.negative_data_rejection]
enabled = false

# The wrong items of a batch are refused in its answer, one by one.
[[operations]]
include-path = "/transactions/batch"
checks.negative_data_rejection.enabled = false

# Rules between fields, and beyond: holds are found by fewer filters, an account occurs once in a journal, a webhook's
# address is public.
[[operations]]
include-path = ["/transactions", "/transactions/journal", "/webhooks", "/webhooks/{id}"]
checks.positive_data_acceptance.enabled = false

# GET /transactions/bonus is GET /transactions/{id} with an id that is none.
[[operations]]
include-path-regex = "^/transactions/[a-z-]+$"
checks.allow_header_conformance.enabled = false
checks.unsupported_method.enabled = false
"""

#: Parameters that take anything: what is out of range is clamped, what is no number counts as not given.
LENIENT = ("page", "limit", "waitSeconds")

_SEED = re.compile(r"^Seed: (\d+)$", re.MULTILINE)


def prepared(known: Mapping[str, list[str]]) -> dict[str, Any]:
    """The document with what the tests know: closed answers, ids of the demo data for bodies, what is lenient."""
    whole = copy.deepcopy(document())
    for path in whole["paths"].values():
        for operation in path.values():
            operation["responses"] = closed(operation["responses"])
            for parameter in operation["parameters"]:
                if parameter["in"] == "query" and parameter["name"] in LENIENT:
                    parameter["schema"] = {}
                # One example would be one key for all requests.
                parameter["schema"].pop("examples", None)
    schemas = whole["components"]["schemas"]
    for name, schema in schemas.items():
        if not name.endswith(("Body", "Item", "Request")):
            schemas[name] = closed(schema)
            continue
        for field in known.keys() & schema["properties"].keys():
            schema["properties"][field] = {"enum": known[field]}
    return whole


def known_ids(books: Ledger) -> dict[str, list[str]]:
    """Ids for the fields of bodies, so that many a posting succeeds."""

    def one(table: str, column: str, value: str) -> str:
        query = f"SELECT id FROM wallet.{table} WHERE {column} = %s"
        row = books.connection.execute(query.encode(), [value]).fetchone()
        assert row is not None
        return str(row[0])

    alice, bob = one("accounts", "external_id", "USER_ALICE_GC"), one("accounts", "external_id", "USER_BOB_GC")
    return {
        "assetTypeId": [one("asset_types", "symbol", "GC")],
        "accountId": [alice],
        "fromAccountId": [alice],
        "toAccountId": [bob, one("accounts", "external_id", "USER_BOB_DM")],
    }


@pytest.mark.slow
def test_no_request_gets_an_answer_that_is_not_described(
    tmp_path: Path, seeded_url: str, connect: Connect, start_service: StartService
) -> None:
    """No 5xx; no status, header or field that is not described; bad requests are refused; the books balance."""
    books = Ledger(connect(seeded_url))
    (tmp_path / "openapi.json").write_text(json.dumps(prepared(known_ids(books))))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    token = Keys(seeded_url).create("admin")
    with start_service(seeded_url, API_KEYS="required") as service:
        program = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"]
        options = {
            "--url": f"{service.base_url}/api/v1",
            "--header": f"Authorization: Bearer {token}",
            "--phases": "coverage,fuzzing,stateful",
            "--max-examples": "10",
            "--max-time": str(SECONDS_MAX),
            "--workers": "1",
            "--request-timeout": "20",
            "--generation-database": "none",
            **({"--seed": SEED} if SEED else {}),
        }
        done = subprocess.run(
            [
                *program,
                "run",
                "openapi.json",
                "--no-color",
                "--no-shrink",
                *(part for option in options.items() for part in option),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX + 60,
            check=False,
        )
    report = done.stdout + done.stderr
    seed = _SEED.search(report)
    print(f"WALLET_TEST_SEED={seed[1] if seed else 'unknown'}")
    assert done.returncode == 0, report
    operations = sum(len(path) for path in document()["paths"].values())
    assert f"Tested: {operations}" in report, "not every route was tried"
    log = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
    assert not [line for line in log if line["level"] in ("ERROR", "CRITICAL")]
    done_well = {f"{line['method']} {line['route']}" for line in log if str(line.get("status", "")).startswith("2")}
    assert len(done_well) >= SUCCESSES_MIN, sorted(done_well)
    assert books.problems() == {}
