-- A journal: several debits and credits of one asset that balance. System accounts may take part under their public ids.
CREATE OR REPLACE FUNCTION wallet.resolve_journal(p_line wallet.posting_line, p_operation wallet.operation)
RETURNS wallet.posting_line
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_line wallet.posting_line := p_line;
    v_asset wallet.asset_types;
    v_facts record;
BEGIN
    v_line.request := jsonb_build_object('assetTypeId', p_operation.asset_type_id, 'entries', p_operation.entries);
    v_line.code := CASE
        WHEN p_operation.asset_type_id IS NULL OR wallet.journal_problem(p_operation.entries) IS NOT NULL THEN 'validation_failed'
    END;
    IF v_line.code IS NOT NULL THEN
        RETURN v_line;
    END IF;
    SELECT * INTO v_asset FROM wallet.asset_types AS a WHERE a.id = p_operation.asset_type_id;
    SELECT
        array_agg(CASE
            WHEN a.account_type = 'USER' THEN a.id
            ELSE wallet.stripe_account_id(a.asset_type_id, a.account_type, e.first_id, v_asset.stripe_count)
        END ORDER BY e.leg) AS account_ids,
        array_agg(CASE e.entry_type WHEN 'DEBIT' THEN -e.amount ELSE e.amount END ORDER BY e.leg) AS amounts,
        sum(e.amount) FILTER (WHERE e.entry_type = 'DEBIT') AS total,
        bool_or(a.id IS NULL) AS is_unknown,
        bool_or(a.asset_type_id <> p_operation.asset_type_id) AS is_other_asset,
        bool_or(a.account_type NOT IN ('USER', 'REVENUE', 'TREASURY')) AS is_closed_to_journals,
        bool_or(e.amount <> round(e.amount, v_asset.decimals)) AS is_too_fine,
        jsonb_agg(jsonb_build_object('accountId', e.account_id, 'entryType', e.entry_type, 'amount', trim_scale(e.amount)) ORDER BY e.leg) AS entries
    INTO v_facts
    FROM (
        SELECT i.*, first_value(i.account_id) OVER (ORDER BY i.leg) AS first_id
        FROM wallet.journal_entries(p_operation.entries) AS i
    ) AS e
    LEFT JOIN wallet.accounts AS a ON e.account_id = a.id AND a.stripe = 0;
    v_line.request := v_line.request || jsonb_build_object('entries', v_facts.entries);
    v_line.amount := v_facts.total;
    v_line.account_id := v_facts.account_ids[1];
    v_line.leg_account_ids := v_facts.account_ids;
    v_line.leg_amounts := v_facts.amounts;
    v_line.code := CASE
        WHEN v_facts.is_unknown THEN 'account_not_found'
        WHEN v_asset.id IS NULL THEN 'asset_type_not_found'
        WHEN v_facts.is_closed_to_journals THEN 'not_a_wallet'
        WHEN v_facts.is_other_asset THEN 'asset_mismatch'
        WHEN v_facts.is_too_fine OR v_facts.total >= 100000000000000 THEN 'validation_failed'
        WHEN NOT v_asset.is_active THEN 'asset_inactive'
    END;
    RETURN v_line;
END;
$$;

COMMENT ON FUNCTION wallet.resolve_journal(wallet.posting_line, wallet.operation) IS
'Fills in the legs of a JOURNAL. Codes: validation_failed, account_not_found, asset_type_not_found, not_a_wallet (a conversion account), asset_mismatch, asset_inactive.';
