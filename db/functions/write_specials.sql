-- What holds and refunds write beside transactions and entries.
CREATE OR REPLACE FUNCTION wallet.write_specials(
    p_lines wallet.posting_line[],
    p_codes text[],
    p_transaction_ids uuid[],
    p_posted_by text[],
    p_leg_starts integer[],
    p_leg_amounts numeric[],
    p_posted_at timestamptz
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH done AS MATERIALIZED (
        SELECT l.*, -p_leg_amounts[l.leg_start + num_nonnulls(l.quota_id, l.reserve)] AS moved
        FROM ROWS FROM (
            unnest(p_lines), unnest(p_codes), unnest(p_transaction_ids), unnest(p_posted_by), unnest(p_leg_starts)
        ) AS l (
            ordinal, type, idempotency_key, account_id, source_account_id, dest_account_id, asset_type_id, amount, reference_id,
            description, metadata, stripe, code, related_id, request, leg_account_ids, leg_amounts, reserve, quota_id, draw, expires_at,
            may_owe, settled_code, transaction_id, posted_by, leg_start
        )
        WHERE l.type IN ('REFUND', 'HOLD', 'CAPTURE', 'VOID') AND l.settled_code IS NULL
    ), held AS (
        INSERT INTO wallet.holds (
            id, account_id, dest_account_id, asset_type_id, created_at, expires_at, stripe, amount, idempotency_key, reference_id,
            description, posted_by, metadata, request
        )
        SELECT
            d.transaction_id, d.source_account_id, d.dest_account_id, d.asset_type_id, p_posted_at,
            wallet.checked_end(d.expires_at, p_posted_at), d.stripe, d.amount,
            d.idempotency_key, d.reference_id, d.description, d.posted_by, d.metadata, d.request
        FROM done AS d
        WHERE d.type = 'HOLD'
    ), ended AS (
        UPDATE wallet.holds AS h
        SET
            state = CASE d.type WHEN 'CAPTURE' THEN 'CAPTURED' ELSE 'VOIDED' END::wallet.hold_state,
            closed_at = p_posted_at,
            captured = CASE d.type WHEN 'CAPTURE' THEN d.moved ELSE 0 END,
            capture_id = CASE d.type WHEN 'CAPTURE' THEN d.transaction_id END,
            void_id = CASE d.type WHEN 'VOID' THEN d.transaction_id END,
            void_key = CASE d.type WHEN 'VOID' THEN d.idempotency_key END,
            void_request = CASE d.type WHEN 'VOID' THEN d.request END
        FROM done AS d
        WHERE d.type IN ('CAPTURE', 'VOID') AND h.id = d.related_id
    ), refunded AS (
        INSERT INTO wallet.refund_totals AS r (transaction_id, amount, refunded)
        SELECT t.id, t.amount, sum(CASE WHEN d.leg_account_ids IS NULL THEN d.moved ELSE d.amount END)
        FROM done AS d
        JOIN wallet.transactions AS t ON d.related_id = t.id
        WHERE d.type = 'REFUND'
        GROUP BY t.id, t.amount
        ON CONFLICT ON CONSTRAINT refund_totals_pkey DO UPDATE SET refunded = r.refunded + excluded.refunded
    )
    UPDATE wallet.accounts AS a
    SET held = a.held - c.freed, updated_at = p_posted_at
    FROM (
        SELECT d.source_account_id, sum(d.reserve) AS freed FROM done AS d WHERE d.reserve IS NOT NULL GROUP BY d.source_account_id
    ) AS c
    WHERE a.id = c.source_account_id;
END;
$$;

COMMENT ON FUNCTION wallet.write_specials(
    wallet.posting_line[], text[], uuid[], text[], integer[], numeric[], timestamptz
) IS
'For the lines that were posted: opens and ends holds, adds up refunds, and moves what is held on the accounts. Raises 40001 when the end of a hold passed meanwhile.';
