-- The posting core: everything that moves money ends here.
--
-- Order of locks: the gate, shared among posters; account rows by ascending id; idempotency keys by key. Right under READ COMMITTED
-- (each statement sees what was committed before the locks were had) and under REPEATABLE READ and SERIALIZABLE (a row or key that
-- changed since the snapshot raises 40001: run the transaction again).
--
-- The plan settings keep index look-ups on tables that were small when the plan was made and are large now.
CREATE OR REPLACE FUNCTION wallet.post_as(p_requests wallet.posting_request[], p_posted_by text[])
RETURNS SETOF wallet.posting_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan'
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_bitmapscan = off
SET enable_material = off
AS $$
DECLARE
    v_resolved record;
    v_accounts record;
    v_claims record;
    v_settled record;
BEGIN
    IF coalesce(cardinality(p_requests), 0) NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'A batch holds 1 to 1000 requests.'
        USING ERRCODE = 'WL001', DETAIL = '{"requests": ["Must be 1 to 1000 requests."]}';
    END IF;
    LOCK TABLE wallet.posting_gate IN ROW EXCLUSIVE MODE;
    v_resolved := wallet.resolve_requests(p_requests);
    v_accounts := wallet.lock_accounts(v_resolved.account_ids);
    v_claims := wallet.claim_keys(v_resolved.lines);
    v_settled := wallet.settle_lines(
        v_resolved.amounts, v_resolved.source_indexes, v_resolved.dest_indexes, v_accounts.balance_mins, v_claims.owners,
        v_resolved.codes, v_accounts.balances, v_accounts.versions, v_claims.numbers, v_claims.transaction_ids
    );
    IF v_settled.moved_count > 0 THEN
        PERFORM wallet.write_postings(
            v_resolved.lines, v_settled.numbers, v_settled.transaction_ids, v_settled.source_versions, v_settled.dest_versions,
            v_settled.source_balances, v_settled.dest_balances, v_accounts.account_ids, v_accounts.versions,
            v_settled.versions, v_settled.balances, v_settled.moved_count, v_accounts.posted_at, p_posted_by
        );
    END IF;
    IF array_position(v_settled.codes, 'insufficient_balance') IS NOT NULL THEN
        PERFORM wallet.release_keys(v_resolved.lines, v_settled.codes, v_claims.transaction_ids, v_settled.transaction_ids);
    END IF;
    RETURN QUERY
    SELECT * FROM wallet.answer_lines(v_resolved.lines, v_settled.codes, v_settled.transaction_ids, v_settled.available);
END;
$$;

COMMENT ON FUNCTION wallet.post_as(wallet.posting_request[], text[]) IS
'wallet.post with who posts each request (posted_by, in the order of the requests). Nobody may call it but the routines that know who that is: else a job could post in another''s name.';
