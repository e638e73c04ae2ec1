-- Fifth step of wallet.post: moves the accounts to the state the settling loop reached.
CREATE OR REPLACE FUNCTION wallet.update_balances(
    p_account_ids uuid[],
    p_versions_before bigint[],
    p_versions bigint[],
    p_balances numeric[],
    p_posted_at timestamptz
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_wanted_count bigint;
    v_updated_count bigint;
BEGIN
    SELECT count(*) INTO v_wanted_count
    FROM unnest(p_versions_before, p_versions) AS v (version_before, version)
    WHERE v.version <> v.version_before;

    UPDATE wallet.accounts AS a
    SET balance = n.balance, version = n.version, updated_at = p_posted_at
    FROM unnest(p_account_ids, p_versions_before, p_versions, p_balances) AS n (id, version_before, version, balance)
    WHERE a.id = n.id AND a.version = n.version_before AND n.version <> n.version_before;
    GET DIAGNOSTICS v_updated_count = ROW_COUNT;

    IF v_updated_count <> v_wanted_count THEN
        RAISE EXCEPTION 'an account''s version moved while it was locked'
        USING ERRCODE = 'serialization_failure', HINT = 'Run the transaction again.';
    END IF;
END;
$$;

COMMENT ON FUNCTION wallet.update_balances(uuid [], bigint [], bigint [], numeric [], timestamptz) IS
'Sets balance and version of the accounts whose version moved, where the version is still the one that was read. Raises 40001 when it is not.';
