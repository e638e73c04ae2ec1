-- The single operation: a batch of one whose refusal is raised. top_up, bonus, spend, transfer and so on are its public names.
CREATE OR REPLACE FUNCTION wallet.post_one(p_operation wallet.operation)
RETURNS wallet.keyed_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer wallet.posting_answer;
BEGIN
    SELECT * INTO STRICT v_answer FROM wallet.post_as(ARRAY[p_operation], ARRAY['role:' || session_user]);
    IF v_answer.outcome = 'REFUSED' THEN
        RAISE EXCEPTION '%', v_answer.error
        USING
            ERRCODE = (SELECT r.sqlstate FROM wallet.refusals() AS r WHERE r.code = v_answer.code),
            DETAIL = coalesce(v_answer.details::text, ''),
            HINT = v_answer.code;
    END IF;
    RETURN ROW(v_answer.outcome = 'REPLAYED', coalesce(
        (SELECT wallet.transaction_json(t, NULL) FROM wallet.transactions AS t WHERE t.id = v_answer.transaction_id),
        wallet.hold_answer_json(v_answer.transaction_id)
    ))::wallet.keyed_answer;
END;
$$;

COMMENT ON FUNCTION wallet.post_one(wallet.operation) IS
'Posts one operation and gives the transaction or hold as JSON, and whether it is a replay. Raises the refusal''s SQLSTATE (wallet.refusals()) with the code as HINT and {field: [sentence]} as DETAIL where there is one.';
