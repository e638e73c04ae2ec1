-- What an account, an asset type, a budget, a spending limit or a webhook is now is where its history leads.
CREATE OR REPLACE FUNCTION wallet.check_changes()
RETURNS TABLE (object_type text, object_id uuid, number bigint, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH fields AS (
        SELECT
            c.object_type, c.object_id, c.number, k.key, k.value, c.old_values -> k.key AS old_value,
            lag(k.value) OVER history AS value_before, lead(c.number) OVER history IS NULL AS is_newest
        FROM wallet.changes AS c
        CROSS JOIN LATERAL jsonb_each(c.new_values) AS k (key, value)
        WINDOW history AS (PARTITION BY c.object_id, k.key ORDER BY c.number)
    )
    SELECT f.object_type, f.object_id, f.number, f.key || ' was something else before'
    FROM fields AS f
    WHERE f.value_before IS DISTINCT FROM f.old_value AND f.value_before IS NOT NULL
    UNION ALL
    SELECT f.object_type, f.object_id, f.number, f.key || ' is something else now'
    FROM fields AS f
    CROSS JOIN LATERAL (
        SELECT CASE f.object_type
            WHEN 'ACCOUNT' THEN (SELECT wallet.account_settings(a) FROM wallet.accounts AS a WHERE a.id = f.object_id)
            WHEN 'ASSET_TYPE' THEN (
                SELECT jsonb_build_object(
                    'symbol', t.symbol, 'name', t.name, 'description', t.description, 'decimals', t.decimals, 'isActive', t.is_active
                ) FROM wallet.asset_types AS t WHERE t.id = f.object_id
            )
            WHEN 'BUDGET' THEN (SELECT wallet.budget_settings(b) FROM wallet.budgets AS b WHERE b.id = f.object_id)
            WHEN 'WEBHOOK' THEN (SELECT wallet.webhook_settings(w) FROM wallet.webhooks AS w WHERE w.id = f.object_id)
            WHEN 'SPENDING_LIMIT' THEN (SELECT wallet.limit_settings(s) FROM wallet.spending_limits AS s WHERE s.id = f.object_id)
        END AS settings
    ) AS n
    WHERE f.is_newest AND n.settings -> f.key IS DISTINCT FROM f.value
    UNION ALL
    SELECT g.object_type, g.object_id, g.number, 'a change before is missing, or later'
    FROM (
        SELECT
            c.*, row_number() OVER history AS place, lag(c.changed_at) OVER history AS changed_before
        FROM wallet.changes AS c
        WINDOW history AS (PARTITION BY c.object_id ORDER BY c.number)
    ) AS g
    WHERE g.number <> g.place OR g.changed_at < g.changed_before
$$;

COMMENT ON FUNCTION wallet.check_changes() IS
'Changes that do not follow from the ones before, or do not lead to what their object is now.';

GRANT EXECUTE ON FUNCTION wallet.check_changes() TO wallet_service, wallet_auditor;
