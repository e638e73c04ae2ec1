"""What breaks the invariants of holds, refunds, conversions, limits and changes, past the guards.

The names in braces are those of tests/database/operation_world.py.
"""

from tests.database.corruptions import Corruption

_UNCHECKED = (
    "DO $$ DECLARE v record; BEGIN FOR v IN SELECT conname FROM pg_constraint"
    " WHERE conrelid = 'wallet.{0}'::regclass AND contype = 'c'"
    " LOOP EXECUTE format('ALTER TABLE wallet.{0} DROP CONSTRAINT %I', v.conname); END LOOP; END $$; "
)

_HOLDS = _UNCHECKED.format("holds")
_ACCOUNTS = _UNCHECKED.format("accounts")
_TOTALS = _UNCHECKED.format("refund_totals")
_TRANSACTIONS = _UNCHECKED.format("transactions")

_MIRRORED = """
    WITH e AS (
        UPDATE wallet.ledger_entries SET amount = amount + 1
        WHERE transaction_id = {refund_journal} AND leg IN (1, 2)
        RETURNING account_id
    )
    SELECT count(*) FROM e
"""

OPERATION_CORRUPTIONS: dict[str, list[Corruption]] = {
    "check_transactions": [
        (
            "DELETE FROM wallet.ledger_entries WHERE transaction_id = {journal_2} AND leg = 3",
            {"check_trial_balance", "check_balances", "check_entry_chains", "check_versions"},
        ),
        ("UPDATE wallet.transactions SET amount = amount + 1 WHERE id = {journal_2}", {"check_ranges"}),
        ("UPDATE wallet.transactions SET leg_versions[2] = 1 WHERE id = {journal_2}", set()),
        (
            "UPDATE wallet.transactions SET leg_account_ids = leg_account_ids[:2], leg_versions = leg_versions[:2]"
            " WHERE id = {journal_2}",
            set(),
        ),
        ("UPDATE wallet.ledger_entries SET leg = 4 WHERE transaction_id = {journal_2} AND leg = 3", set()),
        (
            "UPDATE wallet.ledger_entries SET entry_type = 'DEBIT' WHERE transaction_id = {journal_2} AND leg = 3",
            {"check_trial_balance", "check_balances", "check_entry_chains"},
        ),
        (
            _TRANSACTIONS
            + "UPDATE wallet.transactions SET leg_account_ids = ARRAY[]::uuid[], leg_versions = ARRAY[]::bigint[]"
            " WHERE id = {journal_2}",
            {"check_schema"},
        ),
    ],
    "check_orphans": [
        (
            "UPDATE wallet.transactions SET leg_account_ids[2] = gen_random_uuid() WHERE id = {journal_2}",
            {"check_transactions"},
        ),
        ("UPDATE wallet.holds SET dest_account_id = gen_random_uuid() WHERE id = {open}", set()),
        ("UPDATE wallet.holds SET account_id = gen_random_uuid() WHERE id = {voided}", set()),
        ("UPDATE wallet.holds SET asset_type_id = gen_random_uuid() WHERE id = {open}", {"check_assets"}),
    ],
    "check_assets": [
        ("UPDATE wallet.transactions SET asset_type_id = {points} WHERE id = {journal_2}", {"check_counts"}),
        ("UPDATE wallet.transactions SET asset_type_id = {points} WHERE id = {conversion}", {"check_counts"}),
        (
            "UPDATE wallet.transactions SET leg_account_ids[4] = {bob} WHERE id = {conversion}",
            {"check_transactions", "check_conversions"},
        ),
        (
            "UPDATE wallet.transactions SET leg_account_ids[3:4] = ARRAY[{conversion_account}, {bob}]::uuid[]"
            " WHERE id = {conversion}",
            {"check_transactions", "check_conversions"},
        ),
        ("UPDATE wallet.holds SET asset_type_id = {points} WHERE id = {open}", set()),
    ],
    "check_directions": [
        (
            "UPDATE wallet.transactions SET type = 'JOURNAL' WHERE id = {conversion}",
            {"check_counts", "check_ranges", "check_transactions", "check_assets"},
        ),
        (
            "UPDATE wallet.transactions SET type = 'CONVERSION' WHERE id = {journal_2}",
            {"check_counts", "check_ranges", "check_conversions"},
        ),
        ("UPDATE wallet.transactions SET type = 'TRANSFER' WHERE id = {spend}", {"check_counts", "check_ranges"}),
        ("UPDATE wallet.transactions SET type = 'CAPTURE' WHERE id = {top_up_cid}", {"check_counts", "check_captures"}),
        ("UPDATE wallet.transactions SET type = 'JOURNAL' WHERE id = {counted_1}", {"check_counts", "check_ranges"}),
        ("UPDATE wallet.transactions SET type = 'SPEND' WHERE id = {journal_2}", {"check_counts"}),
        (
            _TRANSACTIONS + "UPDATE wallet.transactions SET dest_account_id = {ann} WHERE id = {capture_for_bob}",
            {"check_schema", "check_transactions", "check_captures"},
        ),
        (
            _TRANSACTIONS + "UPDATE wallet.transactions SET source_account_id = {bob} WHERE id = {transfer}",
            {"check_schema", "check_transactions", "check_refunds"},
        ),
    ],
    "check_idempotency_keys": [
        ("DELETE FROM wallet.idempotency_keys WHERE key = 'open'", set()),
        ("DELETE FROM wallet.idempotency_keys WHERE key = 'void'", set()),
        ("UPDATE wallet.holds SET idempotency_key = 'other' WHERE id = {open}", set()),
        ("UPDATE wallet.holds SET void_key = 'other' WHERE id = {voided}", set()),
        ("DELETE FROM wallet.holds WHERE id = {voided}", set()),
        (
            "INSERT INTO wallet.idempotency_keys (key, asset_type_id, request, answer)"
            " VALUES ('nothing', gen_random_uuid(), '{{}}', '{{}}')",
            set(),
        ),
    ],
    "check_transaction_ids": [
        (
            "UPDATE wallet.holds SET void_id = wallet.transaction_id(2000, {void}) WHERE id = {voided}",
            {"check_idempotency_keys"},
        ),
        (
            "UPDATE wallet.holds SET id = wallet.transaction_id(2000, {open}) WHERE id = {open}",
            {"check_idempotency_keys"},
        ),
    ],
    "check_number_order": [
        (
            "UPDATE wallet.holds SET id = wallet.transaction_id(4, 'ffffffff-ffff-ffff-bfff-ffffffffffff')"
            " WHERE id = {open}",
            {"check_idempotency_keys"},
        ),
    ],
    "check_posters": [
        ("UPDATE wallet.holds SET posted_by = 'key:000000000000' WHERE id = {open}", set()),
    ],
    "check_floors": [
        # The debt is what the limit allowed: one more is too much.
        (
            "UPDATE wallet.ledger_entries SET balance_after = -20.01 WHERE transaction_id = {clawback} AND leg = 1",
            {"check_entry_chains"},
        ),
        # Nobody but a refund that may leave a debt takes an account below its floor.
        (
            """UPDATE wallet.transactions SET request = request || '{{"onShortfall": "refuse"}}'
         WHERE id = {clawback}""",
            set(),
        ),
        # The floor there was then, not the one there is now.
        (
            "UPDATE wallet.ledger_entries SET balance_after = -10.01 WHERE transaction_id = {on_credit} AND leg = 1",
            {"check_entry_chains"},
        ),
        ("DELETE FROM wallet.changes WHERE object_id = {fay}", set()),
    ],
    "check_account_floors": [
        ("UPDATE wallet.accounts SET balance_min = NULL WHERE id = {bob}", set()),
        (_ACCOUNTS + "UPDATE wallet.accounts SET debt_max = 5.99 WHERE id = {dan}", {"check_schema", "check_changes"}),
    ],
    "check_system_accounts": [
        (
            "UPDATE wallet.accounts SET id = gen_random_uuid() WHERE id = {conversion_account}",
            {
                "check_trial_balance",
                "check_balances",
                "check_versions",
                "check_orphans",
                "check_directions",
            },
        ),
    ],
    "check_treasuries": [
        # Wallets owe 6.
        (
            "UPDATE wallet.accounts SET balance = 6.01 WHERE id = {treasury}",
            {"check_trial_balance", "check_balances", "check_budgets"},
        ),
    ],
    "check_refunds": [
        ("UPDATE wallet.transactions SET related_id = gen_random_uuid() WHERE id = {refund}", {"check_refund_totals"}),
        ("UPDATE wallet.transactions SET related_id = {conversion} WHERE id = {refund}", {"check_refund_totals"}),
        ("UPDATE wallet.transactions SET related_id = {refund} WHERE id = {refund_journal}", {"check_refund_totals"}),
        ("UPDATE wallet.transactions SET related_id = {counted_1} WHERE id = {refund}", {"check_refund_totals"}),
        (
            "UPDATE wallet.transactions SET type = 'CONVERSION' WHERE id = {transfer}",
            {"check_counts", "check_ranges", "check_directions", "check_conversions"},
        ),
        ("UPDATE wallet.transactions SET related_id = {top_up_ann} WHERE id = {refund}", {"check_refund_totals"}),
        (
            "UPDATE wallet.transactions SET amount = 30.01 WHERE id = {refund}",
            {"check_transactions", "check_refund_totals", "check_ranges"},
        ),
        ("UPDATE wallet.transactions SET dest_account_id = {bob} WHERE id = {refund}", {"check_transactions"}),
        ("UPDATE wallet.transactions SET source_account_id = {treasury} WHERE id = {refund}", {"check_transactions"}),
        (
            "UPDATE wallet.transactions SET created_at = created_at + interval '1 hour' WHERE id = {spend}",
            {"check_instants", "check_clock", "check_ranges"},
        ),
        (_MIRRORED, {"check_balances", "check_entry_chains", "check_transactions"}),
        (
            "UPDATE wallet.ledger_entries SET entry_type = 'DEBIT' WHERE transaction_id = {refund_journal} AND leg = 1",
            {"check_trial_balance", "check_balances", "check_entry_chains", "check_transactions"},
        ),
        (
            "UPDATE wallet.transactions SET leg_account_ids = leg_account_ids[:2] || {dan}::uuid"
            " WHERE id = {refund_journal}",
            {"check_transactions"},
        ),
    ],
    "check_refund_totals": [
        ("UPDATE wallet.refund_totals SET refunded = refunded - 1 WHERE transaction_id = {spend}", set()),
        ("UPDATE wallet.refund_totals SET refunded = refunded + 1 WHERE transaction_id = {spend}", set()),
        ("UPDATE wallet.refund_totals SET amount = amount + 1 WHERE transaction_id = {spend}", set()),
        ("DELETE FROM wallet.refund_totals WHERE transaction_id = {spend}", set()),
        ("INSERT INTO wallet.refund_totals VALUES ({counted_1}, 1, 1)", set()),
        (_TOTALS + "UPDATE wallet.refund_totals SET refunded = 'NaN' WHERE transaction_id = {spend}", {"check_schema"}),
        # Refunded beyond what there was, and kept so.
        (
            _TOTALS + "UPDATE wallet.refund_totals SET refunded = 41 WHERE transaction_id = {spend};"
            " UPDATE wallet.transactions SET amount = 41 WHERE id = {refund}",
            {"check_schema", "check_transactions", "check_refunds", "check_ranges"},
        ),
    ],
    "check_holds": [
        (_HOLDS + "UPDATE wallet.holds SET amount = 4.001 WHERE id = {voided}", {"check_schema"}),
        (_HOLDS + "UPDATE wallet.holds SET amount = 0 WHERE id = {voided}", {"check_schema"}),
        (_HOLDS + "UPDATE wallet.holds SET amount = 'NaN' WHERE id = {voided}", {"check_schema"}),
        ("UPDATE wallet.holds SET dest_account_id = {treasury} WHERE id = {open}", set()),
        ("UPDATE wallet.holds SET dest_account_id = {ann} WHERE id = {open}", set()),
        ("UPDATE wallet.holds SET account_id = {revenue} WHERE id = {voided}", set()),
        (_HOLDS + "UPDATE wallet.holds SET expires_at = created_at WHERE id = {open}", {"check_schema"}),
        ("UPDATE wallet.holds SET expires_at = created_at + interval '400 days' WHERE id = {open}", set()),
        (
            _HOLDS + "UPDATE wallet.holds SET capture_id = NULL WHERE id = {captured}",
            {"check_schema", "check_captures"},
        ),
        (_HOLDS + "UPDATE wallet.holds SET captured = 0 WHERE id = {captured}", {"check_schema", "check_captures"}),
        (_HOLDS + "UPDATE wallet.holds SET captured = 4.01 WHERE id = {captured}", {"check_schema", "check_captures"}),
        (_HOLDS + "UPDATE wallet.holds SET state = 'VOIDED' WHERE id = {expired}", {"check_schema"}),
        (
            _HOLDS + "UPDATE wallet.holds SET state = 'EXPIRED', closed_at = expires_at WHERE id = {voided}",
            {"check_schema"},
        ),
        (
            _HOLDS + "UPDATE wallet.holds SET void_key = NULL WHERE id = {voided}",
            {"check_schema", "check_idempotency_keys"},
        ),
        (_HOLDS + "UPDATE wallet.holds SET state = 'ACTIVE' WHERE id = {expired}", {"check_schema"}),
        (_HOLDS + "UPDATE wallet.holds SET closed_at = NULL WHERE id = {expired}", {"check_schema", "check_held"}),
        ("UPDATE wallet.holds SET closed_at = closed_at + interval '1 second' WHERE id = {expired}", set()),
        ("UPDATE wallet.holds SET closed_at = expires_at WHERE id = {voided}", set()),
        ("UPDATE wallet.holds SET closed_at = created_at - interval '1 second' WHERE id = {voided}", set()),
    ],
    "check_held": [
        ("UPDATE wallet.accounts SET held = held + 0.01 WHERE id = {ann}", set()),
        ("UPDATE wallet.accounts SET held = 0 WHERE id = {ann}", set()),
        ("UPDATE wallet.accounts SET held = 1 WHERE id = {revenue}", set()),
        ("UPDATE wallet.holds SET amount = 5 WHERE id = {open}", set()),
        ("DELETE FROM wallet.holds WHERE id = {open}", {"check_idempotency_keys"}),
        ("UPDATE wallet.holds SET account_id = {bob} WHERE id = {open}", set()),
        ("UPDATE wallet.accounts SET status = 'CLOSED' WHERE id = {ann}", {"check_closed_accounts"}),
    ],
    "check_captures": [
        ("UPDATE wallet.holds SET captured = captured + 0.5 WHERE id = {captured}", set()),
        ("UPDATE wallet.transactions SET related_id = gen_random_uuid() WHERE id = {capture}", set()),
        ("UPDATE wallet.transactions SET related_id = NULL WHERE id = {capture}", set()),
        ("UPDATE wallet.transactions SET related_id = {voided} WHERE id = {capture}", set()),
        ("UPDATE wallet.holds SET capture_id = {capture_for_bob} WHERE id = {captured}", set()),
        ("UPDATE wallet.holds SET closed_at = closed_at + interval '1 second' WHERE id = {captured}", set()),
        ("UPDATE wallet.holds SET account_id = {bob} WHERE id = {captured}", set()),
        ("UPDATE wallet.holds SET dest_account_id = {dan} WHERE id = {captured_for_bob}", set()),
        ("UPDATE wallet.transactions SET type = 'SPEND' WHERE id = {capture}", {"check_counts"}),
        # Captured twice, to the letter.
        (
            "INSERT INTO wallet.transactions SELECT (jsonb_populate_record(t, jsonb_build_object('id',"
            " overlay(t.id::text PLACING 'ffff' FROM 25 FOR 4)))).* FROM wallet.transactions AS t WHERE id = {capture}",
            {"check_transactions", "check_idempotency_keys", "check_counts", "check_number_order"},
        ),
        # Captured before it was made.
        (
            "UPDATE wallet.transactions SET related_id = wallet.transaction_id(33, {captured}) WHERE id = {capture};"
            " UPDATE wallet.holds SET id = wallet.transaction_id(33, {captured}) WHERE id = {captured}",
            {"check_idempotency_keys", "check_number_order"},
        ),
        ("DELETE FROM wallet.holds WHERE id = {captured}", {"check_idempotency_keys"}),
    ],
    "check_conversions": [
        *(
            (
                f"UPDATE wallet.transactions SET request = request || '{{{{\"{name}\": {value}}}}}'"
                " WHERE id = {conversion}",
                set[str](),
            )
            for name, value in (
                ("amount", "4"),
                ("rate", "0.33334"),
                ("rate", "null"),
                ("credited", "0.9998"),
                ("remainder", "0.0001"),
            )
        ),
        ("UPDATE wallet.transactions SET request = NULL WHERE id = {conversion}", set()),
        (
            "UPDATE wallet.transactions SET leg_account_ids = leg_account_ids[2:1] || leg_account_ids[3:],"
            " leg_versions = leg_versions[2:1] || leg_versions[3:] WHERE id = {conversion}",
            {"check_transactions", "check_assets", "check_directions"},
        ),
        (
            _ACCOUNTS + "UPDATE wallet.accounts SET asset_decimals = 3 WHERE id = {cid}",
            {"check_schema", "check_account_assets", "check_amounts"},
        ),
    ],
    "check_ceilings": [
        (
            "UPDATE wallet.ledger_entries SET balance_after = 50.01"
            " WHERE transaction_id = {up_to_the_maximum} AND leg = 2",
            {"check_entry_chains"},
        ),
        ("DELETE FROM wallet.changes WHERE object_id = {eve}", set()),
        ("UPDATE wallet.accounts SET balance_max = 1 WHERE id = {bob}", set()),
    ],
    "check_closed_accounts": [
        ("UPDATE wallet.accounts SET status = 'CLOSED' WHERE id = {bob}", set()),
        ("UPDATE wallet.accounts SET status = 'CLOSED' WHERE id = {lp_revenue}", set()),
    ],
    "check_changes": [
        ("UPDATE wallet.accounts SET balance_max = 40 WHERE id = {eve}", set()),
        ("UPDATE wallet.accounts SET debt_max = 7 WHERE id = {dan}", set()),
        ("UPDATE wallet.accounts SET status = 'ACTIVE' WHERE id = {gil}", set()),
        ("UPDATE wallet.asset_types SET name = 'Gold' WHERE id = {coins}", set()),
        ("UPDATE wallet.asset_types SET is_active = FALSE WHERE id = {coins}", set()),
        ("UPDATE wallet.budgets SET amount_max = 2000 WHERE campaign = ''", set()),
        ("UPDATE wallet.spending_limits SET amount_max = 2000", set()),
        ("DELETE FROM wallet.spending_limits", set()),
        ("DELETE FROM wallet.changes WHERE object_id = {dan} AND number = 1", set()),
        ("DELETE FROM wallet.changes WHERE object_id = {dan} AND number = 2", {"check_floors"}),
        ("UPDATE wallet.changes SET number = 3 WHERE object_id = {dan} AND number = 2", set()),
        ("UPDATE wallet.changes SET old_values = '{{\"debtMax\": 21}}' WHERE object_id = {dan} AND number = 2", set()),
        (
            "UPDATE wallet.changes SET changed_at = changed_at - interval '1 hour' WHERE object_id = {gil};"
            " UPDATE wallet.changes SET changed_at = changed_at - interval '1 hour'"
            " WHERE object_id = {dan} AND number = 2",
            {"check_floors"},
        ),
    ],
    "check_budgets": [
        ("UPDATE wallet.budgets SET issued = issued + 1 WHERE campaign = ''", set()),
        ("UPDATE wallet.budgets SET issued = issued - 1 WHERE campaign = 'spring'", set()),
        ('UPDATE wallet.transactions SET request = \'{{"campaign": "autumn"}}\' WHERE id = {campaign}', set()),
    ],
    "check_debit_totals": [
        (
            "UPDATE wallet.debit_totals SET amount = amount + 1"
            " WHERE (account_id, at) = (SELECT account_id, max(at) FROM wallet.debit_totals GROUP BY 1)",
            set(),
        ),
        (
            "UPDATE wallet.debit_totals SET debit_count = debit_count + 1"
            " WHERE (account_id, at) = (SELECT account_id, max(at) FROM wallet.debit_totals GROUP BY 1)",
            set(),
        ),
        (
            "UPDATE wallet.debit_totals SET version = version + 1"
            " WHERE (account_id, at) = (SELECT account_id, max(at) FROM wallet.debit_totals GROUP BY 1)",
            set(),
        ),
        (
            "UPDATE wallet.debit_totals SET version = 3, amount = 20, debit_count = 1"
            " WHERE (account_id, at) = (SELECT account_id, max(at) FROM wallet.debit_totals GROUP BY 1)",
            set(),
        ),
        ("UPDATE wallet.debit_totals SET account_id = gen_random_uuid()", set()),
    ],
    "check_ranges": [
        (
            "UPDATE wallet.transaction_blocks SET created_min = created_min + interval '1 hour',"
            " created_max = created_max + interval '1 hour'",
            set(),
        ),
        ("UPDATE wallet.transaction_blocks SET created_max = created_min WHERE type = 'TOP_UP' AND level = 1", set()),
        ("UPDATE wallet.transaction_blocks SET amount_min = amount_max WHERE type = 'TOP_UP'", set()),
        ("UPDATE wallet.transaction_blocks SET amount_max = amount_min WHERE type = 'SPEND' AND level = 0", set()),
    ],
    "check_guards": [
        ("DROP TRIGGER keep_rows ON wallet.holds", {"check_schema"}),
        ("DROP TRIGGER keep_rows ON wallet.refund_totals", {"check_schema"}),
        ("DROP TRIGGER keep_rows ON wallet.budgets", {"check_schema"}),
        ("DROP TRIGGER keep_rows ON wallet.spending_limits", {"check_schema"}),
        ("DROP TRIGGER append_only ON wallet.changes", {"check_schema"}),
    ],
}
"""By check: each breaks what it looks at, where every kind of operation happened."""
