-- A limit of an account at an instant: what the first change since says it was, or what it is when none has changed it since.
--
-- Entries and changes may have one instant; then either may have been first, and the widest of both counts.
CREATE OR REPLACE FUNCTION wallet.setting_at(p_account_id uuid, p_name text, p_at timestamptz, p_now numeric)
RETURNS numeric
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT max(coalesce(v.value, 'Infinity'))
    FROM (
        SELECT (c.old_values ->> p_name)::numeric AS value
        FROM wallet.changes AS c
        WHERE c.object_id = p_account_id AND c.old_values ? p_name AND c.changed_at = p_at
        UNION ALL
        SELECT CASE WHEN f.number IS NULL THEN p_now ELSE f.value END
        FROM (VALUES (1)) AS one (row)
        LEFT JOIN LATERAL (
            SELECT c.number, (c.old_values ->> p_name)::numeric AS value
            FROM wallet.changes AS c
            WHERE c.object_id = p_account_id AND c.old_values ? p_name AND c.changed_at > p_at
            ORDER BY c.number
            LIMIT 1
        ) AS f ON TRUE
    ) AS v
$$;

COMMENT ON FUNCTION wallet.setting_at(uuid, text, timestamptz, numeric) IS
'creditLimit, debtMax or balanceMax of an account at the instant, from wallet.changes and what it is now; Infinity for none.';
