-- wallet.post for a batch that is posted whole or not at all. The first item that is refused raises, and with it everything the
-- batch wrote is rolled back.
CREATE OR REPLACE FUNCTION wallet.post_atomic_json(p_requests json)
RETURNS TABLE (outcome text, code text, answer json)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_index integer := 0;
BEGIN
    FOR outcome, code, answer IN
        SELECT p.outcome, p.code, p.answer FROM wallet.post_json(p_requests) AS p
    LOOP
        IF outcome = 'REFUSED' THEN
            RAISE EXCEPTION 'Item % was refused, so nothing was posted: %', v_index, answer ->> 'error'
            USING
                ERRCODE = 'WL013',
                DETAIL = json_strip_nulls(json_build_object(
                    'index', v_index, 'code', code, 'error', answer -> 'error', 'details', answer -> 'details'
                )),
                HINT = 'batch_refused';
        END IF;
        v_index := v_index + 1;
        RETURN NEXT;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION wallet.post_atomic_json(json) IS
'wallet.post_json, all or nothing: when an item is refused, nothing is posted. Raises WL013 batch_refused for the first refused item, with {index (from 0), code, error, details?} as DETAIL, and what wallet.post_json raises.';

GRANT EXECUTE ON FUNCTION wallet.post_atomic_json(json) TO wallet_service;
