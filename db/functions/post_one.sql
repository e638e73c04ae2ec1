-- The single posting: a batch of one whose refusal is raised. top_up, bonus and spend are its public names.
CREATE OR REPLACE FUNCTION wallet.post_one(p_request wallet.posting_request)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer wallet.posting_answer;
BEGIN
    SELECT * INTO STRICT v_answer FROM wallet.post_as(ARRAY[p_request], ARRAY['role:' || session_user]);
    IF v_answer.outcome = 'REFUSED' THEN
        RAISE EXCEPTION '%', v_answer.error
        USING
            ERRCODE = (SELECT r.sqlstate FROM wallet.refusals() AS r WHERE r.code = v_answer.code),
            DETAIL = coalesce(v_answer.details::text, ''),
            HINT = v_answer.code;
    END IF;
    RETURN (
        SELECT ROW(v_answer.outcome = 'REPLAYED', wallet.transaction_json(t))::wallet.keyed_answer
        FROM wallet.transactions AS t
        WHERE t.id = v_answer.transaction_id
    );
END;
$$;

COMMENT ON FUNCTION wallet.post_one(wallet.posting_request) IS
'Posts one request and gives the transaction as JSON, and whether it is a replay. Raises the refusal''s SQLSTATE (wallet.refusals()) with the code as HINT and {field: [sentence]} as DETAIL where there is one.';
