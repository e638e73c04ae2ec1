-- Which accounts each operation of a batch means, and the first rule that it breaks. The common kinds, with two legs, are looked up all
-- at once; the others, and what belongs to a campaign, one by one, each by a routine of its own.
CREATE OR REPLACE FUNCTION wallet.resolve_lines(p_operations wallet.operation[])
RETURNS wallet.posting_line[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT array_agg(CASE
            WHEN r.type IN ('JOURNAL', 'REFUND', 'HOLD', 'CAPTURE', 'VOID', 'CONVERSION') OR r.campaign IS NOT NULL
                THEN wallet.resolve_special(r.ordinal::integer, p_operations[r.ordinal])
            ELSE ROW(
                r.ordinal, r.type, r.idempotency_key, r.account_id,
                CASE WHEN r.type IN ('SPEND', 'TRANSFER') THEN w.id ELSE s.id END,
                CASE r.type WHEN 'SPEND' THEN s.id WHEN 'TRANSFER' THEN r.to_account_id ELSE w.id END,
                r.asset_type_id, r.amount, r.reference_id, r.description, r.metadata,
                (uuid_hash(r.account_id) & 2147483647) % a.stripe_count,
                coalesce(
                    wallet.form_refusal(r.idempotency_key, greatest(length(r.reference_id), length(r.description)), r.metadata),
                    wallet.request_refusal(
                        r.type, r.account_id, r.asset_type_id, r.amount, w.account_type, w.asset_type_id, a.decimals, a.is_active,
                        r.to_account_id, o.account_type, o.asset_type_id
                    )
                ),
                NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            )::wallet.posting_line
        END ORDER BY r.ordinal)
        FROM unnest(p_operations) WITH ORDINALITY AS r (
            type, idempotency_key, account_id, asset_type_id, amount, reference_id, description, metadata, to_account_id, related_id,
            entries, expires_at, on_shortfall, rate, campaign, ordinal
        )
        LEFT JOIN wallet.asset_types AS a ON r.asset_type_id = a.id
        LEFT JOIN wallet.accounts AS w ON r.account_id = w.id
        LEFT JOIN wallet.accounts AS o ON r.type = 'TRANSFER' AND r.to_account_id = o.id
        -- The one place where a system account is chosen, and the stripe of it: always the same one for a wallet.
        LEFT JOIN wallet.accounts AS s
            ON
                r.asset_type_id = s.asset_type_id
                AND s.account_type = CASE r.type
                    WHEN 'SPEND' THEN 'REVENUE' WHEN 'TOP_UP' THEN 'TREASURY' WHEN 'BONUS' THEN 'TREASURY'
                END::wallet.account_type
                AND s.account_type <> 'USER'
                AND s.stripe = (uuid_hash(r.account_id) & 2147483647) % a.stripe_count
    );
END;
$$;

COMMENT ON FUNCTION wallet.resolve_lines(wallet.operation[]) IS
'One line per operation, in order: its accounts, or the code of the refusal. A line that is refused has no legs.';
