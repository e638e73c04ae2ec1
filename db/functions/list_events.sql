-- The event feed: what was committed, in one order that never changes. A page ends before the first number that an open transaction may
-- still have, so nothing appears later in front of where a reader already is.
CREATE OR REPLACE FUNCTION wallet.list_events(
    p_after text DEFAULT NULL,
    p_limit integer DEFAULT 100,
    p_types text[] DEFAULT NULL,
    p_account_id uuid DEFAULT NULL,
    p_asset_type_ids uuid[] DEFAULT NULL
)
RETURNS json
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_limit CONSTANT integer := least(greatest(p_limit, 1), 1000);
    v_after bigint;
    v_horizon bigint;
    v_scan integer := v_limit;
    v_looked integer := 0;
    v_found wallet.event[];
    v_events wallet.event[] := '{}';
    v_rows text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- The snapshot may be older than the end of a transaction that has a number below the horizon.
        RAISE EXCEPTION 'Events are read at READ COMMITTED only.' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF NOT p_types <@ wallet.event_types() THEN
        RAISE EXCEPTION 'Validation failed' USING ERRCODE = 'WL001', DETAIL = '{"types": ["Holds what is no type of event."]}';
    END IF;
    -- Before the snapshots of the statements below.
    v_horizon := wallet.event_horizon();
    v_after := CASE p_after WHEN 'now' THEN v_horizon ELSE wallet.event_number(p_after) END;
    WHILE v_after < v_horizon AND cardinality(v_events) < v_limit AND v_looked < 10000 LOOP
        WITH found AS MATERIALIZED (
            SELECT e.* FROM wallet.find_events(v_after, v_horizon, v_scan, p_types, p_account_id, p_asset_type_ids) AS e
        ), seen AS (
            -- A source that gave as many rows as it may has been seen up to the last of them.
            SELECT coalesce(min(s.number), v_horizon) AS number
            FROM (SELECT max(f.number) AS number FROM found AS f GROUP BY f.source HAVING count(*) >= v_scan) AS s
        )
        SELECT s.number, coalesce(
            (SELECT array_agg(ROW(f.*)::wallet.event ORDER BY f.number) FROM found AS f WHERE f.number <= s.number AND f.is_wanted), '{}'
        ) INTO v_after, v_found
        FROM seen AS s;
        v_events := v_events || v_found;
        v_looked := v_looked + v_scan;
        v_scan := least(4 * v_scan, 10000 - v_looked);
    END LOOP;
    IF cardinality(v_events) > v_limit THEN
        v_after := v_events[v_limit].number;
        v_events := v_events[:v_limit];
    END IF;
    SELECT string_agg(wallet.event_json(e)::text, ',' ORDER BY e.number) INTO v_rows FROM unnest(v_events) AS e;
    RETURN '{"data":[' || coalesce(v_rows, '')
        || '],"cursor":"' || wallet.event_cursor(v_after)
        || '","hasMore":' || (v_after < v_horizon) || '}';
END;
$$;

COMMENT ON FUNCTION wallet.list_events(text, integer, text[], uuid, uuid[]) IS
'The next events after a cursor, which is the cursor of a page or the id of an event (NULL or empty: from the beginning; now: none but what comes), oldest first, as JSON {data, cursor, hasMore}; filters that are NULL do not filter, an unknown account gives an empty list. p_limit is 1 to 1000. A page that looked at 10,000 rows may be short or empty: go on from its cursor while hasMore. Raises WL001 for an unknown type or cursor, 25000 at another level than READ COMMITTED, 25006 on a standby.';

GRANT EXECUTE ON FUNCTION wallet.list_events(text, integer, text[], uuid, uuid[]) TO wallet_service, wallet_jobs, wallet_auditor;
