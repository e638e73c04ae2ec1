-- Where a page of holds is, newest first. It is found among the newest 10,000: of the account, or of all; for what is pending, of those
-- that were neither captured nor voided. So a list costs no more however many holds there are.
CREATE OR REPLACE FUNCTION wallet.find_holds(
    p_account_id uuid,
    p_status text,
    p_at timestamptz,
    p_skip bigint,
    p_limit bigint,
    OUT ids uuid[],
    OUT total bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET plan_cache_mode = 'force_custom_plan'
AS $$
#variable_conflict use_column
DECLARE
    v_states CONSTANT wallet.hold_state[] := wallet.hold_states(p_status);
BEGIN
    WITH newest AS MATERIALIZED (
        SELECT h.id, h.state, h.expires_at
        FROM wallet.holds AS h
        WHERE (p_account_id IS NULL OR h.account_id = p_account_id) AND (v_states <> '{ACTIVE}' OR h.closed_at IS NULL)
        ORDER BY h.id DESC
        LIMIT 10000
    ), matching AS MATERIALIZED (
        SELECT n.id FROM newest AS n WHERE wallet.hold_state(n.state, n.expires_at, p_at) = ANY(v_states)
    )
    SELECT
        (SELECT count(*) FROM matching),
        (
            SELECT array_agg(p.id ORDER BY p.id DESC)
            FROM (SELECT m.id FROM matching AS m ORDER BY m.id DESC OFFSET p_skip LIMIT p_limit) AS p
        )
    INTO total, ids;
END;
$$;

COMMENT ON FUNCTION wallet.find_holds(uuid, text, timestamptz, bigint, bigint) IS
'The ids of a page of holds as they are at p_at, newest first, and how many there are among the newest 10,000; NULL does not filter.';
