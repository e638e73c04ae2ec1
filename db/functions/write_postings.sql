-- Fifth step of the posting core: writes what was settled, in one statement: balances, transactions, entries, counts.
CREATE OR REPLACE FUNCTION wallet.write_postings(
    p_lines wallet.posting_line[],
    p_posted_by text[],
    p_numbers bigint[],
    p_transaction_ids uuid[],
    p_leg_starts integer[],
    p_leg_lines integer[],
    p_leg_cells integer[],
    p_leg_places integer[],
    p_leg_amounts numeric[],
    p_leg_versions bigint[],
    p_leg_balances numeric[],
    p_account_ids uuid[],
    p_versions_before bigint[],
    p_versions bigint[],
    p_balances numeric[],
    p_posted_at timestamptz
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_updated_count integer;
BEGIN
    WITH posted AS MATERIALIZED (
        SELECT
            l.*, p_leg_versions[f.entry] AS source_version, p_leg_versions[f.entry + 1] AS dest_version, f.entry,
            coalesce(l.amount, -p_leg_amounts[f.entry]) AS moved
        FROM ROWS FROM (
            unnest(p_lines), unnest(p_posted_by), unnest(p_numbers), unnest(p_transaction_ids), unnest(p_leg_starts)
        ) AS l (
            ordinal, type, idempotency_key, account_id, source_account_id, dest_account_id, asset_type_id, amount, reference_id,
            description, metadata, stripe, code, related_id, request, leg_account_ids, leg_amounts, reserve, quota_id, draw, expires_at,
            may_owe, posted_by, number, transaction_id, leg_start
        )
        CROSS JOIN LATERAL (SELECT l.leg_start + num_nonnulls(l.quota_id, l.reserve) AS entry) AS f
        -- A hold has no entries: what comes after its legs is the next line's.
        WHERE p_leg_lines[f.entry] = l.ordinal AND p_leg_places[f.entry] = 1 AND p_leg_versions[f.entry] IS NOT NULL
    ), entries AS (
        INSERT INTO wallet.ledger_entries (
            account_id, transaction_id, version, created_at, entry_type, leg, amount, balance_after
        )
        SELECT
            p_account_ids[e.cell], p_transaction_ids[e.line], e.version, p_posted_at,
            CASE WHEN e.amount < 0 THEN 'DEBIT' ELSE 'CREDIT' END::wallet.entry_type, e.place, abs(e.amount), e.balance
        FROM unnest(p_leg_lines, p_leg_cells, p_leg_places, p_leg_amounts, p_leg_versions, p_leg_balances) AS e (
            line, cell, place, amount, version, balance
        )
        WHERE e.version IS NOT NULL AND e.place > 0
    ), counted AS (
        INSERT INTO wallet.transaction_blocks AS b (
            level, block, asset_type_id, type, status, stripe, transaction_count, created_min, created_max, amount_min, amount_max
        )
        SELECT
            k.level, p.number >> k.shift, p.asset_type_id, p.type::wallet.transaction_type, 'COMPLETED', p.stripe, count(*),
            p_posted_at, p_posted_at, min(p.moved), max(p.moved)
        FROM posted AS p
        CROSS JOIN (VALUES (0::smallint, 10), (1::smallint, 20)) AS k (level, shift)
        GROUP BY 1, 2, 3, 4, 6
        ORDER BY 1, 2, 3, 4, 6
        ON CONFLICT ON CONSTRAINT transaction_blocks_pkey
        DO UPDATE SET transaction_count = b.transaction_count + excluded.transaction_count,
            created_min = least(b.created_min, p_posted_at), created_max = greatest(b.created_max, p_posted_at),
            amount_min = least(b.amount_min, excluded.amount_min), amount_max = greatest(b.amount_max, excluded.amount_max)
    ), noted AS (
        INSERT INTO wallet.transactions (
            id, source_account_id, dest_account_id, asset_type_id, source_version, dest_version, created_at, type, amount,
            idempotency_key, reference_id, description, metadata, posted_by, related_id, request, leg_account_ids, leg_versions
        )
        SELECT
            p.transaction_id, p.source_account_id, p.dest_account_id, p.asset_type_id,
            CASE WHEN p.leg_account_ids IS NULL THEN p.source_version END, CASE WHEN p.leg_account_ids IS NULL THEN p.dest_version END,
            p_posted_at, p.type::wallet.transaction_type, p.moved, p.idempotency_key, p.reference_id, p.description, p.metadata,
            p.posted_by, p.related_id, p.request, p.leg_account_ids,
            CASE WHEN p.leg_account_ids IS NOT NULL THEN p_leg_versions[p.entry : p.entry + cardinality(p.leg_account_ids) - 1] END
        FROM posted AS p
    )
    -- The optimistic check: only a row whose version is still the one that was read.
    UPDATE wallet.accounts AS a
    SET balance = n.balance, version = n.version, updated_at = p_posted_at
    FROM unnest(p_account_ids, p_versions_before, p_versions, p_balances) AS n (id, version_before, version, balance)
    WHERE a.id = n.id AND a.version = n.version_before AND n.version <> n.version_before;
    GET DIAGNOSTICS v_updated_count = ROW_COUNT;
    IF v_updated_count <> (
        SELECT count(*) FROM unnest(p_versions_before, p_versions) AS n (version_before, version) WHERE n.version <> n.version_before
    ) THEN
        RAISE EXCEPTION 'The version of an account moved while it was locked.'
        USING ERRCODE = 'serialization_failure', HINT = 'Run the transaction again.';
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.write_postings(
    wallet.posting_line[], text[], bigint[], uuid[], integer[], integer[], integer[], integer[], numeric[], bigint[], numeric[],
    uuid[], bigint[], bigint[], numeric[], timestamptz
) IS
'Inserts the transactions, their entries and their counts for the legs that have a version, and moves the accounts to their new versions and balances. Raises 40001 when an account is not at the version that was read.';
