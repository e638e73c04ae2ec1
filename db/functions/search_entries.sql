-- A page of an account's transactions by what they are, newest first. The account's entries are in order of time, so a range of instants
-- is a range of entries; 10,000 of them are looked at, at most: then the page ends early, and the next begins where this one stopped.
CREATE OR REPLACE FUNCTION wallet.search_entries(
    p_filter wallet.transaction_filter,
    p_cursor text,
    p_limit bigint,
    OUT ids uuid[],
    OUT next_cursor text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_filter wallet.transaction_filter := p_filter;
    v_after CONSTANT record := wallet.cursor_of('e', p_cursor);
    v_total bigint;
    v_from bigint;
    v_to bigint;
    v_count bigint;
    v_looked bigint := 0;
    v_cursors text[];
    v_found uuid[];
BEGIN
    v_filter.account_id := NULL;
    ids := '{}';
    IF NOT EXISTS (SELECT 1 FROM wallet.accounts AS a WHERE a.id = p_filter.account_id AND a.stripe = 0) THEN
        RETURN;
    END IF;
    SELECT
        sum(a.version),
        sum(CASE WHEN p_filter.created_from IS NULL THEN 0
            ELSE wallet.version_at(a.id, 0, a.version, p_filter.created_from - interval '1 microsecond') END),
        sum(CASE WHEN p_filter.created_to IS NULL THEN a.version
            ELSE wallet.version_at(a.id, 0, a.version, p_filter.created_to - interval '1 microsecond') END)
    INTO v_total, v_from, v_to
    FROM wallet.stripes_of(p_filter.account_id) AS a;
    IF v_after.id IS NOT NULL THEN
        v_to := least(v_to, wallet.entry_rank(p_filter.account_id, v_after.id, v_after.number));
    END IF;
    WHILE v_to > v_from AND v_looked < 10000 AND cardinality(ids) < p_limit LOOP
        v_count := least(greatest(p_limit, v_looked), v_to - v_from, 10000 - v_looked);
        SELECT
            array_agg(t.id ORDER BY e.place DESC) FILTER (WHERE t.id IS NOT NULL),
            array_agg(wallet.cursor_text('e', (e.entry).account_id, (e.entry).version) ORDER BY e.place DESC) FILTER (WHERE t.id IS NOT NULL),
            max(wallet.cursor_text('e', (e.entry).account_id, (e.entry).version)) FILTER (WHERE e.place = v_to - v_count + 1)
        INTO v_found, v_cursors, next_cursor
        FROM wallet.find_entries(p_filter.account_id, v_total - v_to, v_count) AS e
        LEFT JOIN wallet.transactions AS t ON (e.entry).transaction_id = t.id AND wallet.matches_filter(t, v_filter);
        v_looked := v_looked + v_count;
        v_to := v_to - v_count;
        IF cardinality(ids || v_found) >= p_limit THEN
            next_cursor := v_cursors[p_limit - cardinality(ids)];
            ids := (ids || v_found)[1:p_limit];
            RETURN;
        END IF;
        ids := ids || v_found;
    END LOOP;
    IF v_to <= v_from THEN
        next_cursor := NULL;
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.search_entries(wallet.transaction_filter, text, bigint) IS
'The ids of the next p_limit transactions after a cursor (empty: from the newest) on the filter''s account that match, or fewer when 10,000 entries were looked at; and the cursor to go on with (NULL: there are no more). An unknown account has none. Raises WL001 for an unknown cursor.';
