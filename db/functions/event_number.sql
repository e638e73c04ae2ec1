-- Where a cursor of the event feed points.
CREATE OR REPLACE FUNCTION wallet.event_number(p_cursor text)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_number bigint;
BEGIN
    IF coalesce(p_cursor, '') = '' THEN
        RETURN 0;
    END IF;
    IF p_cursor !~* '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{10}00$' THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"after": ["Is no cursor of the event feed."]}';
    END IF;
    v_number := wallet.transaction_number(lower(p_cursor)::uuid);
    -- Else a consumer that outlived a restore would wait in silence, and miss what is posted meanwhile.
    IF v_number > coalesce(pg_sequence_last_value('wallet.transaction_numbers'), 0) THEN
        RAISE EXCEPTION 'Validation failed'
        USING ERRCODE = 'WL001', DETAIL = '{"after": ["Is newer than everything in this database: has it been restored?"]}';
    END IF;
    RETURN v_number;
END;
$$;

COMMENT ON FUNCTION wallet.event_number(text) IS
'The number that a cursor of the event feed, or the id of an event, stands for: it goes on after it. 0, the beginning, for NULL and the empty cursor. Raises WL001 for what is no cursor, and for one beyond the newest number.';
