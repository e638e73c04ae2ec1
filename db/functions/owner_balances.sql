-- What one person has, in all wallets together.
CREATE OR REPLACE FUNCTION wallet.owner_balances(p_owner_id text, p_asset_type_ids uuid[] DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_balances json;
    v_accounts json;
BEGIN
    WITH wallets AS MATERIALIZED (
        SELECT a.id, a.asset_type_id, a.created_at, a.balance, ('{' || wallet.funds_text(a, a.balance) || '}')::json AS funds
        FROM wallet.accounts AS a
        WHERE a.owner_id = p_owner_id AND (p_asset_type_ids IS NULL OR a.asset_type_id = ANY(p_asset_type_ids))
    ), sums AS (
        SELECT
            t.symbol,
            json_build_object(
                'assetTypeId', t.id, 'symbol', t.symbol, 'accountCount', count(*), 'balance', trim_scale(sum(w.balance)),
                'held', trim_scale(sum((w.funds ->> 'held')::numeric)),
                'available', trim_scale(sum((w.funds ->> 'available')::numeric))
            ) AS sums
        FROM wallets AS w
        JOIN wallet.asset_types AS t ON w.asset_type_id = t.id
        GROUP BY t.id, t.symbol
    )
    SELECT
        (SELECT json_agg(s.sums ORDER BY s.symbol) FROM sums AS s),
        (
            SELECT json_agg(r.answer ORDER BY n.created_at DESC, n.id DESC)
            FROM (SELECT w.* FROM wallets AS w ORDER BY w.created_at DESC, w.id DESC LIMIT 100) AS n
            JOIN wallet.read_balances(ARRAY(
                SELECT w.id FROM wallets AS w ORDER BY w.created_at DESC, w.id DESC LIMIT 100
            )) AS r ON n.id = r.id
        )
    INTO v_balances, v_accounts;
    IF v_balances IS NULL THEN
        RAISE EXCEPTION '%', wallet.refusal_error('owner_not_found', NULL, NULL) USING ERRCODE = 'WL032';
    END IF;
    RETURN json_build_object('ownerId', p_owner_id, 'balances', v_balances, 'accounts', v_accounts);
END;
$$;

COMMENT ON FUNCTION wallet.owner_balances(text, uuid[]) IS
'The sums over an owner''s wallets per asset, and the balances of the newest 100 of them, as JSON {ownerId, balances: [{assetTypeId, symbol, accountCount, balance, held, available}], accounts}; only of the given assets unless they are NULL. Raises WL032 when there is none.';

GRANT EXECUTE ON FUNCTION wallet.owner_balances(text, uuid[]) TO wallet_service, wallet_jobs, wallet_auditor;
