-- What every other rule rests on: constraints, guards, routines, rights. A difference from what the release left is somebody's work.
CREATE OR REPLACE FUNCTION wallet.check_schema()
RETURNS TABLE (object text, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        object,
        CASE WHEN n.definition_sha256 IS NULL THEN 'missing' WHEN r.definition_sha256 IS NULL THEN 'added' ELSE 'changed' END
    FROM wallet.schema_objects() AS n
    FULL JOIN (
        SELECT o.key AS object, o.value AS definition_sha256
        FROM (SELECT l.objects FROM wallet.releases AS l ORDER BY l.release DESC LIMIT 1) AS l
        CROSS JOIN LATERAL jsonb_each_text(l.objects - 'server') AS o
    ) AS r USING (object)
    WHERE
        n.definition_sha256 IS DISTINCT FROM r.definition_sha256
        -- An index of one's own harms nothing.
        AND NOT (r.definition_sha256 IS NULL AND object LIKE 'index %')
$$;

COMMENT ON FUNCTION wallet.check_schema() IS
'Objects of the schema that are missing, added or other than the newest release left them.';

GRANT EXECUTE ON FUNCTION wallet.check_schema() TO wallet_service, wallet_auditor;
