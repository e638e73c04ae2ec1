-- Fifth step of wallet.post: writes what was settled, in one statement: balances, transactions, entries, counts.
--
-- p_posted_by came later, hence its default: a call of the release before that is in flight while this file is applied finds this
-- routine by the arguments it has. The old one goes in the same transaction, so that there is never none and never both.
DROP FUNCTION IF EXISTS wallet.write_postings(
    wallet.posting_line[], bigint[], uuid[], bigint[], bigint[], numeric[], numeric[],
    uuid[], bigint[], bigint[], numeric[], integer, timestamptz
);

CREATE OR REPLACE FUNCTION wallet.write_postings(
    p_lines wallet.posting_line[],
    p_numbers bigint[],
    p_transaction_ids uuid[],
    p_source_versions bigint[],
    p_dest_versions bigint[],
    p_source_balances numeric[],
    p_dest_balances numeric[],
    p_account_ids uuid[],
    p_versions_before bigint[],
    p_versions bigint[],
    p_balances numeric[],
    p_moved_count integer,
    p_posted_at timestamptz,
    p_posted_by text[] DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_updated_count integer;
BEGIN
    WITH posted AS MATERIALIZED (
        SELECT l.*
        FROM unnest(
            p_lines, p_numbers, p_transaction_ids, p_source_versions, p_dest_versions, p_source_balances, p_dest_balances,
            p_posted_by
        ) AS l (
            ordinal, type, idempotency_key, account_id, source_account_id, dest_account_id, asset_type_id, amount, reference_id,
            description, metadata, stripe, code, number, transaction_id, source_version, dest_version, source_balance, dest_balance,
            posted_by
        )
        WHERE l.source_version IS NOT NULL
    ), entries AS (
        INSERT INTO wallet.ledger_entries (
            account_id, transaction_id, version, created_at, entry_type, leg, amount, balance_after
        )
        SELECT e.account_id, p.transaction_id, e.version, p_posted_at, e.entry_type, e.leg, p.amount, e.balance_after
        FROM posted AS p
        CROSS JOIN LATERAL (
            VALUES (p.source_account_id, p.source_version, 'DEBIT'::wallet.entry_type, 1::smallint, p.source_balance),
                   (p.dest_account_id, p.dest_version, 'CREDIT'::wallet.entry_type, 2::smallint, p.dest_balance)
        ) AS e (account_id, version, entry_type, leg, balance_after)
    ), counted AS (
        INSERT INTO wallet.transaction_blocks AS b (level, block, asset_type_id, type, status, stripe, transaction_count)
        SELECT k.level, p.number >> k.shift, p.asset_type_id, p.type::wallet.transaction_type, 'COMPLETED', p.stripe, count(*)
        FROM posted AS p
        CROSS JOIN (VALUES (0::smallint, 10), (1::smallint, 20)) AS k (level, shift)
        GROUP BY 1, 2, 3, 4, 6
        ORDER BY 1, 2, 3, 4, 6
        ON CONFLICT ON CONSTRAINT transaction_blocks_pkey
        DO UPDATE SET transaction_count = b.transaction_count + excluded.transaction_count
    ), noted AS (
        INSERT INTO wallet.transactions (
            id, source_account_id, dest_account_id, asset_type_id, source_version, dest_version, created_at, type, amount,
            idempotency_key, reference_id, description, metadata, posted_by
        )
        SELECT
            p.transaction_id, p.source_account_id, p.dest_account_id, p.asset_type_id, p.source_version, p.dest_version, p_posted_at,
            p.type::wallet.transaction_type, p.amount, p.idempotency_key, p.reference_id, p.description, p.metadata,
            p.posted_by
        FROM posted AS p
    ), updated AS (
        -- The optimistic check: only a row whose version is still the one that was read.
        UPDATE wallet.accounts AS a
        SET balance = n.balance, version = n.version, updated_at = p_posted_at
        FROM unnest(p_account_ids, p_versions_before, p_versions, p_balances) AS n (id, version_before, version, balance)
        WHERE a.id = n.id AND a.version = n.version_before AND n.version <> n.version_before
        RETURNING 1
    )
    SELECT count(*) INTO v_updated_count FROM updated;
    IF v_updated_count <> p_moved_count THEN
        RAISE EXCEPTION 'The version of an account moved while it was locked.'
        USING ERRCODE = 'serialization_failure', HINT = 'Run the transaction again.';
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.write_postings(
    wallet.posting_line[], bigint[], uuid[], bigint[], bigint[], numeric[], numeric[],
    uuid[], bigint[], bigint[], numeric[], integer, timestamptz, text[]
) IS
'Inserts the transactions, their entries and their counts for the lines that have a source version, and moves the accounts to their new versions and balances. Raises 40001 when an account is not at the version that was read.';
