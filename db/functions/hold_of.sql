-- The hold that an idempotency key stands for: the one it made, or the one it voided.
CREATE OR REPLACE FUNCTION wallet.hold_of(p_id uuid)
RETURNS SETOF wallet.holds
LANGUAGE sql
STABLE
ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT h.* FROM wallet.holds AS h WHERE h.id = p_id
    UNION ALL
    SELECT h.* FROM wallet.holds AS h WHERE h.void_id = p_id
$$;

COMMENT ON FUNCTION wallet.hold_of(uuid) IS 'The hold with this id, or whose void has this id; no row when there is none.';
