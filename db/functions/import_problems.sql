-- What keeps accounts of an older service from being imported, before anything is written.
CREATE OR REPLACE FUNCTION wallet.import_problems(p_accounts jsonb)
RETURNS TABLE (account_id uuid, problem text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.id, v.problem
    FROM jsonb_to_recordset(p_accounts) AS i (id uuid, asset_type_id uuid, external_id text, name text, email text)
    LEFT JOIN wallet.accounts AS a ON i.id = a.id
    LEFT JOIN wallet.accounts AS o ON i.external_id = o.external_id AND i.id <> o.id
    CROSS JOIN LATERAL (
        VALUES
        (CASE WHEN length(i.name) BETWEEN 1 AND 255 IS NOT TRUE THEN 'name: must be 1 to 255 characters' END),
        (CASE WHEN length(i.external_id) NOT BETWEEN 1 AND 255 THEN 'external id: must be 1 to 255 characters, or NULL' END),
        (CASE WHEN length(i.email) NOT BETWEEN 3 AND 320 THEN 'email: must be 3 to 320 characters, or NULL' END),
        (CASE WHEN o.id IS NOT NULL THEN 'external id: another account of the wallet has it' END),
        (
            CASE
                WHEN
                    a.id IS NOT NULL
                    AND (a.account_type, a.asset_type_id, a.external_id) IS DISTINCT FROM ('USER', i.asset_type_id, i.external_id)
                    THEN 'id: another account of the wallet has it'
            END
        )
    ) AS v (problem)
    WHERE v.problem IS NOT NULL
    ORDER BY v.problem, i.id
$$;

COMMENT ON FUNCTION wallet.import_problems(jsonb) IS
'Why wallet.import_accounts would not take these accounts, [{"id", "asset_type_id", "external_id", "name", "email"}]: one row per account and reason. An account that was imported before is no problem.';
