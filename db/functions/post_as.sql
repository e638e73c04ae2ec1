-- The posting core: everything that moves money ends here.
--
-- Order of locks: the gate, shared among posters; account rows by ascending id; idempotency keys by key; budgets by ascending id. Right under READ COMMITTED
-- (each statement sees what was committed before the locks were had) and under REPEATABLE READ and SERIALIZABLE (a row or key that
-- changed since the snapshot raises 40001: run the transaction again). Holds and refund totals are under the locks of their accounts.
--
-- The plan settings keep index look-ups on tables that were small when the plan was made and are large now.
CREATE OR REPLACE FUNCTION wallet.post_as(p_operations wallet.operation[], p_posted_by text[])
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
    v_quotas record;
    v_limits record;
    v_settled record;
    v_first_cell integer;
    v_limit_details jsonb[];
BEGIN
    IF coalesce(cardinality(p_operations), 0) NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'A batch holds 1 to 1000 requests.'
        USING ERRCODE = 'WL001', DETAIL = '{"requests": ["Must be 1 to 1000 requests."]}';
    END IF;
    LOCK TABLE wallet.posting_gate IN ROW EXCLUSIVE MODE;
    v_resolved := wallet.resolve_operations(p_operations);
    v_accounts := wallet.lock_accounts(v_resolved.account_ids);
    v_claims := wallet.claim_keys(v_resolved.lines);
    v_quotas := wallet.load_quotas(v_resolved.lines, v_resolved.quota_ids, v_accounts.posted_at);
    v_limits := wallet.load_limits(
        v_resolved.lines, v_accounts.account_ids, cardinality(v_accounts.versions || v_quotas.versions), v_accounts.posted_at,
        v_resolved.leg_starts, v_resolved.leg_lines, v_resolved.leg_cells, v_resolved.leg_places, v_resolved.leg_amounts
    );
    v_settled := wallet.settle_lines(
        v_limits.leg_starts, v_limits.leg_cells, v_limits.leg_places, v_accounts.ceilings, v_accounts.credit_codes,
        v_claims.owners, v_quotas.allowances, v_quotas.spent_codes, v_accounts.floors || v_quotas.floors || v_limits.floors,
        v_accounts.debit_codes || v_quotas.codes || v_limits.codes, v_limits.leg_amounts, v_resolved.codes,
        v_accounts.balances || v_quotas.balances || v_limits.balances,
        v_accounts.versions || v_quotas.versions || v_limits.versions
    );
    IF array_position(v_settled.codes, NULL) IS NOT NULL THEN
        PERFORM wallet.write_postings(
            v_resolved.lines, p_posted_by, v_claims.numbers, v_claims.transaction_ids, v_limits.leg_starts, v_limits.leg_lines,
            v_limits.leg_cells, v_limits.leg_places, v_settled.leg_amounts, v_settled.leg_versions, v_settled.leg_balances,
            v_accounts.account_ids, v_accounts.versions, v_settled.versions, v_settled.balances, v_accounts.posted_at
        );
        -- Only what frees, holds or draws on a quota has more to write.
        IF v_resolved.quota_ids IS NOT NULL OR array_position(v_resolved.leg_places, -1) IS NOT NULL THEN
            PERFORM wallet.write_specials(
                v_resolved.lines, v_settled.codes, v_claims.transaction_ids, p_posted_by, v_limits.leg_starts, v_settled.leg_amounts,
                v_accounts.posted_at
            );
        END IF;
    END IF;
    IF v_settled.codes IS DISTINCT FROM v_resolved.codes THEN
        PERFORM wallet.release_keys(v_resolved.lines, v_settled.codes, v_claims.transaction_ids);
    END IF;
    IF v_limits.cells IS NOT NULL THEN
        v_first_cell := cardinality(v_settled.balances) - cardinality(v_limits.cells) + 1;
        PERFORM wallet.write_limits(v_limits.cells, v_settled.balances[v_first_cell:], v_accounts.posted_at);
        v_limit_details := wallet.refused_limits(
            v_limits.cells, v_first_cell, v_settled.codes, v_settled.available, v_settled.refused_legs, v_limits.leg_cells,
            v_settled.leg_amounts, v_accounts.posted_at
        );
    END IF;
    RETURN QUERY
    SELECT * FROM wallet.answer_lines(
        v_resolved.lines, v_settled.codes, v_claims.transaction_ids, v_settled.available, v_settled.refused_legs,
        v_settled.leg_amounts, v_limit_details
    );
END;
$$;

COMMENT ON FUNCTION wallet.post_as(wallet.operation[], text[]) IS
'wallet.post_operations with who posts each operation (posted_by, in the order of the operations). Nobody may call it but the routines that know who that is: else a job could post in another''s name.';
