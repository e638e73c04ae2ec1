-- The seals, each as the line to keep outside, for whoever may not read the tables.
CREATE OR REPLACE FUNCTION wallet.list_seals()
RETURNS TABLE (seal bigint, day date, number_to bigint, row_count bigint, sha256 text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.seal, s.day, s.number_to, s.row_count, encode(s.sha256, 'hex')
    FROM wallet.seals AS s
    ORDER BY s.seal
$$;

COMMENT ON FUNCTION wallet.list_seals() IS
'The seals in order: number, day, last posting number, rows, and the hash in hexadecimal digits.';

GRANT EXECUTE ON FUNCTION wallet.list_seals() TO wallet_service, wallet_auditor;
