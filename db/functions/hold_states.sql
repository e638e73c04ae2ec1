-- The states that a filter by status stands for: a state itself, or a transaction's status.
CREATE OR REPLACE FUNCTION wallet.hold_states(p_status text)
RETURNS wallet.hold_state[]
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE p_status
        WHEN 'PENDING' THEN '{ACTIVE}'
        WHEN 'COMPLETED' THEN '{CAPTURED}'
        WHEN 'FAILED' THEN '{VOIDED,EXPIRED}'
        ELSE CASE WHEN p_status IS NULL THEN enum_range(NULL::wallet.hold_state)::text ELSE format('{%s}', p_status) END
    END::wallet.hold_state []
$$;

COMMENT ON FUNCTION wallet.hold_states(text) IS 'The states of a hold that a status or state asks for; NULL asks for all. Raises 22P02 for another.';
