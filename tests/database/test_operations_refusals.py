"""Refusals of transfers, journals, refunds, holds and conversions: by function, in a batch, and nothing written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.database.operation_scene import Scene, make_scene
from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Ledger
from tests.support.operations import TYPES, Operation, call, change_account, let_run_out, post
from tests.support.refusal import refused

Make = Callable[[Scene], Operation]
"""Makes an operation, and first what it needs."""

Step = Callable[[Scene], object]

SPECIAL = tuple(kind for kind in TYPES if kind not in ("TOP_UP", "BONUS", "SPEND"))
AMOUNT = [
    "Must be more than zero, with at most 14 digits before the point and at most the asset's number of"
    " decimals after it."
]
REQUIRED = ["Is required."]
OTHER = ["Must be another account."]
RATE = ["Must be more than zero and less than 1000000000, with at most 12 decimals."]
LONG = ["Must be at most 65536 characters."]
OBJECT = ["Must be a JSON object of at most 64 KiB and 32 levels."]
ENTRIES = ["Must be a list of 2 to 100 entries."]
ENTRY = [
    "Each must have an accountId (UUID), an entryType (DEBIT or CREDIT) and an amount with at most 14 digits before the"
    " point and 4 after it."
]
UNEQUAL = ["Debits and credits must have the same sum."]
TOO_FINE = [
    "Amounts must have at most the asset's number of decimals, and a sum of at most 14 digits before the point."
]


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: a refusal leaves it as it was."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    return make_scene(ledger)


def check(
    scene: Scene,
    operation: Operation,
    code: str,
    error: str | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Refused alike by its function and in a batch, which writes nothing; `details` are exact where given."""
    ledger = scene.ledger
    with refused(ledger, code) as refusal:
        call(ledger, operation)
    assert refusal.code == code
    before = ledger.state()
    [answer] = post(ledger, [operation])
    assert (answer.outcome, answer.code, answer.transaction_id) == ("REFUSED", code, None)
    assert ledger.state() == before
    assert answer.error == refusal.error
    assert (answer.details or {}) == refusal.details
    if error is not None:
        assert answer.error == error
    if details is not None:
        assert refusal.details == details


# --- how operations that are to be refused are said


def asks(kind: str, **values: object) -> Make:
    """Ask for this; a value that is a function is called with the scene."""
    return lambda scene: scene.operation(kind, **_values(scene, values))


def good(kind: str, **changes: object) -> Make:
    """Ask for what is accepted, but for the changes."""
    return lambda scene: replace(scene.good(kind), **_values(scene, changes))


def then(make: Make, *steps: Step) -> Make:
    """Make an operation, and let something happen before it is asked for."""

    def made(scene: Scene) -> Operation:
        operation = make(scene)
        for step in steps:
            step(scene)
        return operation

    return made


def after(*steps_and_make: Any) -> Make:
    """Let something happen, then make an operation."""
    *steps, make = steps_and_make

    def made(scene: Scene) -> Operation:
        for step in steps:
            step(scene)
        operation: Operation = make(scene)
        return operation

    return made


def _values(scene: Scene, values: Mapping[str, object]) -> dict[str, Any]:
    return {name: value(scene) if callable(value) else value for name, value in values.items()}


ANN, BOB, ZOE, CID = (attrgetter(name) for name in ("ann", "bob", "zoe", "cid"))
POINTS = attrgetter("points")


def nobody(_: Scene) -> UUID:
    return uuid4()


def revenue(scene: Scene) -> UUID:
    return scene.ledger.revenue(scene.coins)


def treasury(scene: Scene) -> UUID:
    return scene.ledger.treasury(scene.coins)


def conversion_account(scene: Scene) -> UUID:
    """The conversion account of coins."""
    row = scene.ledger.connection.execute(
        "SELECT id FROM wallet.accounts WHERE asset_type_id = %s AND account_type = 'CONVERSION'", [scene.coins]
    ).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def entries(*rows: tuple[object, str, object]) -> Callable[[Scene], object]:
    """The entries of a journal: the account (a function, or any text), the side, the amount."""
    return lambda scene: [
        {"accountId": str(one(scene) if callable(one) else one), "entryType": side, "amount": amount}
        for one, side, amount in rows
    ]


def changed(who: Callable[[Scene], UUID], **values: object) -> Step:
    """Change an account's settings."""
    return lambda scene: change_account(scene.ledger, who(scene), **values)


def switched_off(asset: str = "coins") -> Step:
    """Switch an asset off."""
    return lambda scene: scene.ledger.connection.execute(
        "SELECT wallet.change_asset_type(%s, '{\"isActive\": false}', 'a test')", [getattr(scene, asset)]
    )


def done(kind: str, **values: object) -> Callable[[Scene], UUID]:
    """Do a good operation; give what it made."""
    return lambda scene: call(scene.ledger, replace(scene.good(kind), **_values(scene, values))).id


def ended(how: str) -> Callable[[Scene], UUID]:
    """Make a hold of Ann's that has ended."""

    def made(scene: Scene) -> UUID:
        hold = scene.do("HOLD").id
        if how == "EXPIRED":
            let_run_out(scene.ledger, hold)
            # Books it: whoever posts next on the wallet does, whether refused or not.
            scene.do("BONUS")
        else:
            scene.do(how, related_id=hold)
        return hold

    return made


def refunded(kind: str, **values: object) -> Callable[[Scene], UUID]:
    """Do a good operation and refund it, or part of it."""

    def made(scene: Scene) -> UUID:
        original = call(scene.ledger, scene.good(kind)).id
        scene.do("REFUND", related_id=original, **values)
        return original

    return made


def spent(kind: str) -> Callable[[Scene], UUID]:
    """Give Zoe 5 by this kind, which she spends."""

    def made(scene: Scene) -> UUID:
        who = "to_account_id" if kind == "TRANSFER" else "account_id"
        given = scene.do(kind, **{who: scene.zoe}).id
        scene.do("SPEND", account_id=scene.zoe)
        return given

    return made


def in_days(days: float) -> Callable[[Scene], datetime]:
    return lambda _: datetime.now(UTC) + timedelta(days=days)


# --- the form


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("key", [None, "", "a b", "k" * 256])
def test_bad_keys(scene: Scene, kind: str, key: str | None) -> None:
    """Before everything else, whatever else is wrong."""
    check(scene, replace(scene.good(kind), key=key), "idempotency_key_missing")
    if kind != "VOID":
        wrong = replace(scene.operation(kind), key=key, amount=0, metadata={"m": "m" * 65536})
        check(scene, wrong, "idempotency_key_missing")


@pytest.mark.parametrize("kind", [kind for kind in SPECIAL if kind != "VOID"])
@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"reference_id": "r" * 65537}, "referenceId", LONG),
        ({"description": "d" * 65537}, "description", LONG),
        ({"metadata": []}, "metadata", OBJECT),
        ({"metadata": {"m": "m" * 65536}}, "metadata", OBJECT),
    ],
)
def test_texts_and_metadata(scene: Scene, kind: str, change: dict[str, Any], field: str, sentence: list[str]) -> None:
    """As for top-ups; the description of a refund is its reason."""
    name = "reason" if (kind, field) == ("REFUND", "description") else field
    check(scene, replace(scene.good(kind), **change), "validation_failed", "Validation failed", {name: sentence})


DEBIT, CREDIT = (ANN, "DEBIT", "5"), (BOB, "CREDIT", "5")

MANY = (ANN, "DEBIT", "100"), *((f"00000000-0000-0000-0000-{n:012}", "CREDIT", "1") for n in range(100))

LARGE = "99999999999999"

FIELDS: dict[str, tuple[Make, dict[str, list[str]]]] = {
    **{
        f"{kind} without {column}": (good(kind, **{column: None}), {name: REQUIRED})
        for kind, column, name in (
            ("TRANSFER", "account_id", "fromAccountId"),
            ("TRANSFER", "to_account_id", "toAccountId"),
            ("TRANSFER", "asset_type_id", "assetTypeId"),
            ("JOURNAL", "asset_type_id", "assetTypeId"),
            ("REFUND", "related_id", "transactionId"),
            ("HOLD", "account_id", "accountId"),
            ("HOLD", "asset_type_id", "assetTypeId"),
            ("CAPTURE", "related_id", "holdId"),
            ("VOID", "related_id", "holdId"),
            ("CONVERSION", "account_id", "fromAccountId"),
            ("CONVERSION", "to_account_id", "toAccountId"),
        )
    },
    **{
        f"{kind} of {amount}": (good(kind, amount=amount), {"amount": AMOUNT})
        for kind in ("TRANSFER", "REFUND", "HOLD", "CAPTURE", "CONVERSION")
        for amount in ("0", "-1", "0.001", "NaN", "Infinity", "100000000000000")
    },
    **{
        f"{kind} without amount": (good(kind, amount=None), {"amount": AMOUNT})
        for kind in ("TRANSFER", "HOLD", "CONVERSION")
    },
    "TRANSFER to itself": (asks("TRANSFER", to_account_id=ANN), {"toAccountId": OTHER}),
    "HOLD for itself": (asks("HOLD", to_account_id=ANN), {"toAccountId": OTHER}),
    "CONVERSION to itself, at no rate": (
        asks("CONVERSION", to_account_id=ANN, rate=0),
        {"toAccountId": OTHER, "rate": RATE},
    ),
    "REFUND with another shortfall": (
        good("REFUND", on_shortfall="maybe"),
        {"onShortfall": ["Must be refuse or debt."]},
    ),
    **{
        f"CONVERSION at {rate}": (asks("CONVERSION", rate=rate), {"rate": RATE})
        for rate in (None, "0", "-1", "NaN", "Infinity", "1000000000", "0.1234567890123")
    },
    "JOURNAL without entries": (asks("JOURNAL", entries=None), {"entries": ENTRIES}),
    "JOURNAL of none": (asks("JOURNAL", entries=[]), {"entries": ENTRIES}),
    "JOURNAL of one": (asks("JOURNAL", entries=entries(DEBIT)), {"entries": ENTRIES}),
    "JOURNAL of 101": (asks("JOURNAL", entries=entries(*MANY)), {"entries": ENTRIES}),
    "JOURNAL that is no list": (asks("JOURNAL", entries={"a": 1}), {"entries": ENTRIES}),
    **{
        f"JOURNAL with {what}": (asks("JOURNAL", entries=entries(DEBIT, wrong)), {"entries": ENTRY})
        for what, wrong in {
            "no UUID": ("somebody", "CREDIT", "5"),
            "another side": (BOB, "credit", "5"),
            "a negative amount": (BOB, "CREDIT", "-5"),
            "no number": (BOB, "CREDIT", "NaN"),
            "an exponent": (BOB, "CREDIT", "5e0"),
            "five decimals": (BOB, "CREDIT", "5.00001"),
            "fifteen digits": (BOB, "CREDIT", "100000000000000"),
            "no amount": (BOB, "CREDIT", None),
        }.items()
    },
    **{
        f"JOURNAL {what}": (asks("JOURNAL", entries=entries(*rows)), {"entries": sentence})
        for what, rows, sentence in (
            ("with a zero", (DEBIT, CREDIT, (ZOE, "CREDIT", "0")), ["Every amount must be more than zero."]),
            (
                "with an account twice",
                (DEBIT, CREDIT, (ANN, "CREDIT", "5"), (ZOE, "DEBIT", "5")),
                ["Each account may occur once."],
            ),
            ("that does not balance", (DEBIT, (BOB, "CREDIT", "5.0001")), UNEQUAL),
            ("of debits", (DEBIT, (BOB, "DEBIT", "5")), UNEQUAL),
            ("too fine", ((ANN, "DEBIT", "5.001"), (BOB, "CREDIT", "5.001")), TOO_FINE),
            (
                "of too large a sum",
                ((ANN, "DEBIT", LARGE), (ZOE, "DEBIT", "1"), (BOB, "CREDIT", LARGE), (treasury, "CREDIT", "1")),
                TOO_FINE,
            ),
        )
    },
}


@pytest.mark.parametrize("name", FIELDS)
def test_wrong_fields(scene: Scene, name: str) -> None:
    """validation_failed names just the fields to blame."""
    make, details = FIELDS[name]
    check(scene, make(scene), "validation_failed", "Validation failed", details)


def test_an_unknown_type(scene: Scene) -> None:
    """Only a batch can name one."""
    for kind in ("", "transfer", "PAYMENT", None):
        before = scene.ledger.state()
        [answer] = post(scene.ledger, [replace(scene.operation("TRANSFER"), type=kind)])
        assert (answer.code, answer.details) == ("validation_failed", {"type": ["Is no kind of operation."]})
        assert scene.ledger.state() == before


# --- the state of the world


def to_zoe(kind: str) -> Make:
    """Give Zoe something by this kind."""
    if kind == "JOURNAL":
        return asks(kind, entries=entries(DEBIT, (ZOE, "CREDIT", "5")))
    return asks(kind, **{"account_id" if kind == "TOP_UP" else "to_account_id": ZOE})


BY_CODE: dict[str, tuple[Any, ...]] = {
    "account_not_found": (
        ("TRANSFER from nobody", asks("TRANSFER", account_id=nobody), "Account not found."),
        ("TRANSFER to nobody", asks("TRANSFER", to_account_id=nobody)),
        ("JOURNAL with nobody", asks("JOURNAL", entries=entries(DEBIT, (nobody, "CREDIT", "5")))),
        ("HOLD of nobody", asks("HOLD", account_id=nobody)),
        ("HOLD for nobody", asks("HOLD", to_account_id=nobody)),
        ("CONVERSION from nobody", asks("CONVERSION", account_id=nobody)),
        ("CONVERSION to nobody", asks("CONVERSION", to_account_id=nobody)),
    ),
    "asset_type_not_found": (
        ("TRANSFER of no asset", asks("TRANSFER", asset_type_id=nobody), "Asset type not found."),
        ("JOURNAL of no asset", asks("JOURNAL", asset_type_id=nobody)),
        ("HOLD of no asset", asks("HOLD", asset_type_id=nobody)),
    ),
    "transaction_not_found": (
        ("REFUND of nothing", asks("REFUND", related_id=nobody), "Transaction not found."),
        ("REFUND of a hold", asks("REFUND", related_id=done("HOLD"))),
    ),
    "hold_not_found": (
        ("CAPTURE of nothing", asks("CAPTURE", related_id=nobody), "Hold not found."),
        ("CAPTURE of a spend", asks("CAPTURE", related_id=done("SPEND"))),
        ("VOID of nothing", asks("VOID", related_id=nobody)),
        ("VOID of a capture", asks("VOID", related_id=done("CAPTURE"))),
    ),
    "not_a_wallet": (
        ("TRANSFER from revenue", asks("TRANSFER", account_id=revenue)),
        ("TRANSFER to revenue", asks("TRANSFER", to_account_id=revenue)),
        ("HOLD of the treasury", asks("HOLD", account_id=treasury)),
        ("HOLD for revenue by its id", asks("HOLD", to_account_id=revenue)),
        ("CONVERSION from revenue", asks("CONVERSION", account_id=revenue)),
        ("CONVERSION to revenue", asks("CONVERSION", to_account_id=revenue)),
        (
            "JOURNAL with a conversion account",
            asks("JOURNAL", entries=entries((conversion_account, "DEBIT", "5"), CREDIT)),
        ),
    ),
    "asset_mismatch": (
        ("TRANSFER from another asset", asks("TRANSFER", account_id=CID)),
        ("TRANSFER to another asset", asks("TRANSFER", to_account_id=CID)),
        ("TRANSFER by another asset", asks("TRANSFER", asset_type_id=POINTS)),
        ("HOLD by another asset", asks("HOLD", asset_type_id=POINTS)),
        ("HOLD for another asset", asks("HOLD", to_account_id=CID)),
        ("JOURNAL with another asset", asks("JOURNAL", entries=entries(DEBIT, (CID, "CREDIT", "5")))),
        ("CONVERSION within an asset", asks("CONVERSION", to_account_id=BOB)),
    ),
    "asset_inactive": (
        *(
            (f"{kind} of an asset that is off", then(good(kind), switched_off()), "The asset type is switched off.")
            for kind in ("TRANSFER", "JOURNAL", "REFUND", "HOLD", "CONVERSION")
        ),
        ("CONVERSION into an asset that is off", then(good("CONVERSION"), switched_off("points"))),
    ),
    "insufficient_balance": (
        *(
            (
                f"{kind} of too much",
                asks(kind, amount="100.01"),
                "Insufficient balance: 100 available, 100.01 asked for.",
            )
            for kind in ("TRANSFER", "HOLD", "CONVERSION")
        ),
        (
            "JOURNAL of too much",
            asks("JOURNAL", entries=entries((BOB, "DEBIT", "1"), (ANN, "DEBIT", "100.01"), (ZOE, "CREDIT", "101.01"))),
            "Insufficient balance: 100 available, 100.01 asked for.",
        ),
        ("JOURNAL of too much revenue", asks("JOURNAL", entries=entries((revenue, "DEBIT", "5"), CREDIT))),
        *(
            (
                f"REFUND of a {kind} that is spent",
                asks("REFUND", related_id=spent(kind)),
                "Insufficient balance: 0 available, 5 asked for.",
            )
            for kind in ("TOP_UP", "BONUS", "TRANSFER")
        ),
        (
            "REFUND beyond the debt limit",
            after(changed(ZOE, debtMax=4.99), asks("REFUND", related_id=spent("TOP_UP"), on_shortfall="debt")),
        ),
    ),
    "account_frozen": (
        *(
            (
                f"{kind} of a frozen wallet",
                then(good(kind), changed(ANN, status="FROZEN")),
                "The account is frozen.",
            )
            for kind in ("TRANSFER", "JOURNAL", "HOLD", "CAPTURE", "CONVERSION")
        ),
        *(
            (
                f"{kind} to a frozen wallet",
                then(good(kind), changed(who, status="FROZEN", creditsAllowed=False)),
                "The account is frozen.",
            )
            for kind, who in (("TRANSFER", BOB), ("JOURNAL", BOB), ("CONVERSION", CID), ("REFUND", ANN))
        ),
        (
            "REFUND from a frozen wallet, with a debt",
            then(
                asks("REFUND", related_id=spent("TOP_UP"), on_shortfall="debt"),
                changed(ZOE, debtMax=100, status="FROZEN"),
            ),
        ),
    ),
    "account_closed": (
        *(
            (
                f"{kind} to a closed wallet",
                after(changed(ZOE, status="CLOSED"), to_zoe(kind)),
                "The account is closed.",
            )
            for kind in ("TRANSFER", "JOURNAL", "TOP_UP")
        ),
        ("HOLD of a closed wallet", after(changed(ZOE, status="CLOSED"), asks("HOLD", account_id=ZOE))),
    ),
    "balance_max_exceeded": (
        (
            "TRANSFER to a full wallet",
            then(good("TRANSFER"), changed(BOB, balanceMax=54)),
            "The account's maximum balance leaves room for 4, 5 was to be credited.",
        ),
        (
            "CONVERSION to a full wallet",
            then(good("CONVERSION"), changed(CID, balanceMax=9)),
            "The account's maximum balance leaves room for 9, 10 was to be credited.",
        ),
        ("JOURNAL to a full wallet", then(good("JOURNAL"), changed(BOB, balanceMax=54))),
        (
            "REFUND to a full wallet",
            then(good("REFUND", amount=None), changed(ANN, balanceMax=96)),
            "The account's maximum balance leaves room for 1, 5 was to be credited.",
        ),
        (
            "CAPTURE to a full wallet",
            then(asks("CAPTURE", related_id=done("HOLD", to_account_id=BOB)), changed(BOB, balanceMax=54)),
        ),
    ),
    "not_refundable": (
        ("REFUND of a refund", asks("REFUND", related_id=done("REFUND"))),
        ("REFUND of a conversion", asks("REFUND", related_id=done("CONVERSION"))),
        ("REFUND of part of a journal", asks("REFUND", related_id=done("JOURNAL"), amount=4)),
    ),
    "refund_exceeds_amount": (
        *(
            (
                f"REFUND of more than is left of a {kind}",
                asks("REFUND", related_id=refunded(kind, amount=3), amount="2.01"),
                "Only 2 of the transaction is left to be refunded.",
            )
            for kind in ("TOP_UP", "BONUS", "SPEND", "TRANSFER", "CAPTURE")
        ),
        ("REFUND of more than there was", good("REFUND", amount="5.01")),
        ("REFUND of nothing that is left", asks("REFUND", related_id=refunded("SPEND"))),
        ("REFUND of a journal again", asks("REFUND", related_id=refunded("JOURNAL"))),
    ),
    "capture_exceeds_hold": (("CAPTURE of more than is held", good("CAPTURE", amount="5.01")),),
    **{
        code: tuple((f"{kind} after {how}", asks(kind, related_id=ended(how))) for kind in ("CAPTURE", "VOID"))
        for how, code in (("CAPTURE", "hold_captured"), ("VOID", "hold_voided"), ("EXPIRED", "hold_expired"))
    },
    "expiry_out_of_range": tuple(
        (f"HOLD until {when}", asks("HOLD", expires_at=in_days(days)))
        for when, days in (("yesterday", -1), ("a moment ago", -0.00001), ("a day too late", 367))
    ),
    "conversion_out_of_range": (
        ("CONVERSION into nothing", asks("CONVERSION", amount="0.01", rate="0.009")),
        ("CONVERSION into too much", asks("CONVERSION", amount="1000000", rate="100000000")),
    ),
}
"""By code: a name, the operation, and perhaps the error."""

STATES: dict[str, tuple[Make, str, str | None]] = {
    name: (make, code, error[0] if error else None) for code, cases in BY_CODE.items() for name, make, *error in cases
}


@pytest.mark.parametrize("name", STATES)
def test_what_the_state_of_the_world_refuses(scene: Scene, name: str) -> None:
    """Each with its own code, and nothing is written."""
    make, code, error = STATES[name]
    check(scene, make(scene), code, error)


ALLOWED: dict[str, Make] = {
    "CAPTURE when its asset is off": then(good("CAPTURE"), switched_off()),
    "VOID when its asset is off": then(good("VOID"), switched_off()),
    "VOID when its wallet is frozen": then(good("VOID"), changed(ANN, status="FROZEN")),
    "TRANSFER to a frozen wallet": then(good("TRANSFER"), changed(BOB, status="FROZEN")),
    "REFUND to a frozen wallet": then(good("REFUND"), changed(ANN, status="FROZEN")),
    "JOURNAL to a frozen wallet": then(good("JOURNAL"), changed(BOB, status="FROZEN")),
    "TRANSFER up to the maximum": then(good("TRANSFER"), changed(BOB, balanceMax=55)),
    "TRANSFER down to the credit limit": after(changed(ZOE, creditLimit=5), asks("TRANSFER", account_id=ZOE)),
    "HOLD down to the credit limit": after(changed(ZOE, creditLimit=5), asks("HOLD", account_id=ZOE)),
    "HOLD for a year": asks("HOLD", expires_at=in_days(365.9)),
    "REFUND of a whole journal by its amount": asks("REFUND", related_id=done("JOURNAL"), amount=5),
    "REFUND down to the debt limit": after(
        changed(ZOE, debtMax=5), asks("REFUND", related_id=spent("TOP_UP"), on_shortfall="debt")
    ),
    "CONVERSION of the least": asks("CONVERSION", amount="0.01", rate="0.01"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_just_allowed(scene: Scene, name: str) -> None:
    """The neighbours of the refusals."""
    call(scene.ledger, ALLOWED[name](scene))
    assert scene.ledger.problems() == {}


# --- which rule speaks first


def off(kind: str, **changes: object) -> Make:
    """Ask for more than there is, of an asset that is off; so that what is changed speaks first."""
    much = (
        {"entries": entries((ANN, "DEBIT", "1000"), (BOB, "CREDIT", "1000"))} if kind == "JOURNAL" else {"amount": 1000}
    )
    return then(asks(kind, **{**much, **changes}), switched_off())


FULL = changed(BOB, balanceMax=50)

FIRST: dict[str, list[tuple[str, Make]]] = {
    "TRANSFER": [
        ("validation_failed", off("TRANSFER", amount=0, account_id=nobody)),
        ("validation_failed", off("TRANSFER", to_account_id=None, account_id=nobody)),
        ("account_not_found", off("TRANSFER", to_account_id=nobody, asset_type_id=nobody)),
        ("asset_type_not_found", off("TRANSFER", to_account_id=revenue, asset_type_id=nobody)),
        ("not_a_wallet", off("TRANSFER", to_account_id=revenue, account_id=CID)),
        ("asset_mismatch", off("TRANSFER", to_account_id=CID, amount="1000.001")),
        ("validation_failed", off("TRANSFER", amount="1000.001")),
        ("asset_inactive", off("TRANSFER")),
        ("insufficient_balance", after(FULL, asks("TRANSFER", amount=1000))),
    ],
    "HOLD": [
        ("validation_failed", off("HOLD", amount=0, account_id=nobody)),
        ("account_not_found", off("HOLD", to_account_id=nobody, asset_type_id=nobody)),
        ("asset_type_not_found", off("HOLD", to_account_id=revenue, asset_type_id=nobody)),
        ("not_a_wallet", off("HOLD", to_account_id=revenue, account_id=CID)),
        ("asset_mismatch", off("HOLD", to_account_id=CID, amount="1000.001")),
        ("validation_failed", off("HOLD", amount="1000.001")),
        ("asset_inactive", off("HOLD", expires_at=in_days(-1))),
        ("expiry_out_of_range", asks("HOLD", amount=1000, expires_at=in_days(-1))),
    ],
    "JOURNAL": [
        ("validation_failed", off("JOURNAL", entries=entries((nobody, "DEBIT", "1000")))),
        (
            "account_not_found",
            off("JOURNAL", asset_type_id=nobody, entries=entries((nobody, "DEBIT", "1"), (BOB, "CREDIT", "1"))),
        ),
        ("asset_type_not_found", off("JOURNAL", asset_type_id=nobody)),
        (
            "not_a_wallet",
            off("JOURNAL", entries=entries((conversion_account, "DEBIT", "1"), (CID, "CREDIT", "1"))),
        ),
        (
            "asset_mismatch",
            off("JOURNAL", entries=entries((ANN, "DEBIT", "1000.001"), (CID, "CREDIT", "1000.001"))),
        ),
        (
            "validation_failed",
            off("JOURNAL", entries=entries((ANN, "DEBIT", "1000.001"), (BOB, "CREDIT", "1000.001"))),
        ),
        ("asset_inactive", off("JOURNAL")),
        # The first leg speaks first.
        (
            "insufficient_balance",
            after(FULL, asks("JOURNAL", entries=entries((ANN, "DEBIT", "1000"), (BOB, "CREDIT", "1000")))),
        ),
        (
            "balance_max_exceeded",
            after(FULL, asks("JOURNAL", entries=entries((BOB, "CREDIT", "1000"), (ANN, "DEBIT", "1000")))),
        ),
    ],
    "REFUND": [
        ("validation_failed", asks("REFUND", related_id=nobody, on_shortfall="maybe", amount=0)),
        ("transaction_not_found", asks("REFUND", related_id=nobody, amount=0)),
        ("validation_failed", off("REFUND", related_id=done("REFUND"), amount="1000.001")),
        ("not_refundable", off("REFUND", related_id=done("REFUND"))),
        ("asset_inactive", off("REFUND", related_id=done("SPEND"))),
        ("refund_exceeds_amount", asks("REFUND", related_id=spent("TOP_UP"), amount=6)),
    ],
    "CAPTURE": [
        ("hold_not_found", asks("CAPTURE", related_id=nobody, amount=0)),
        ("validation_failed", asks("CAPTURE", related_id=ended("VOID"), amount="6.001")),
        ("capture_exceeds_hold", asks("CAPTURE", related_id=ended("VOID"), amount=6)),
        ("hold_voided", then(asks("CAPTURE", related_id=ended("VOID")), changed(ANN, status="FROZEN"))),
    ],
    "CONVERSION": [
        ("validation_failed", off("CONVERSION", rate=0, account_id=nobody)),
        ("account_not_found", off("CONVERSION", to_account_id=nobody, account_id=revenue)),
        ("not_a_wallet", off("CONVERSION", to_account_id=revenue)),
        ("asset_mismatch", off("CONVERSION", to_account_id=BOB, amount="1000.001")),
        ("validation_failed", off("CONVERSION", amount="1000.001")),
        ("asset_inactive", off("CONVERSION", rate="0.000000000001")),
        ("conversion_out_of_range", asks("CONVERSION", amount=1000, rate="0.000000000001")),
    ],
}
"""By type: each operation breaks the rule of its code, and one or more of those that come after it."""


@pytest.mark.parametrize(
    ("kind", "place"),
    [pytest.param(kind, place, id=f"{kind}-{place}") for kind in FIRST for place in range(len(FIRST[kind]))],
)
def test_the_first_rule_that_is_broken_speaks(scene: Scene, kind: str, place: int) -> None:
    """The rules of form, of what exists, of what fits, of what is allowed, of what there is: in this order."""
    code, make = FIRST[kind][place]
    check(scene, make(scene), code)
