-- The triggers that keep the ledger append-only can be dropped, disabled or hollowed out by their owner. The hashes are those of the
-- bodies of the functions they call. session_replication_role = replica leaves them alone, for they are ENABLE ALWAYS, but not the foreign keys.
CREATE OR REPLACE FUNCTION wallet.check_guards()
RETURNS TABLE (object text, problem text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('wallet.%I', w.table_name), format('trigger %s is missing, switched off or not as it was made', w.trigger_name)
    FROM (
        VALUES
        -- Bits of pg_trigger.tgtype: 1 for each row, 2 before the statement, 8 DELETE, 16 UPDATE, 32 TRUNCATE.
        ('transactions', 'append_only', 58), ('ledger_entries', 'append_only', 58), ('seals', 'append_only', 58),
        ('seal_blocks', 'append_only', 58), ('changes', 'append_only', 58), ('accounts', 'keep_rows', 42), ('asset_types', 'keep_rows', 42),
        ('idempotency_keys', 'keep_rows', 50), ('api_keys', 'keep_rows', 42), ('holds', 'keep_rows', 42),
        ('refund_totals', 'keep_rows', 42), ('budgets', 'keep_rows', 42), ('spending_limits', 'keep_rows', 42), ('api_keys', 'keep_grant', 19)
    ) AS w (table_name, trigger_name, events)
    WHERE NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_trigger AS g
        WHERE
            g.tgrelid = to_regclass(format('wallet.%I', w.table_name)) AND g.tgname = w.trigger_name AND g.tgenabled = 'A'
            AND g.tgtype = w.events AND g.tgqual IS NULL AND g.tgfoid = to_regproc(CASE w.trigger_name WHEN 'keep_grant' THEN 'wallet.keep_api_key' ELSE 'wallet.refuse_change' END)
    )
    UNION ALL
    SELECT format('%s()', w.routine), 'the body is not as it was made'
    FROM (
        VALUES
        ('wallet.refuse_change', '42e704adbd73ba1db5c678de018199c619f50414d26ff5c289e29602e0485185'),
        ('wallet.keep_api_key', 'd82d23ceae2bb75f5b90aa74581733a98bcf2be95349330559e8e435b32efb80')
    ) AS w (routine, body_sha256)
    WHERE NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_proc AS p
        WHERE p.oid = to_regproc(w.routine) AND encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') = w.body_sha256
    )
    UNION ALL
    SELECT 'setting session_replication_role', 'is not origin: foreign keys are switched off'
    WHERE current_setting('session_replication_role') <> 'origin'
    UNION ALL
    SELECT
        'setting session_replication_role',
        format(
            'is set for %s and %s', coalesce('the database ' || d.datname, 'every database'),
            coalesce('the login ' || pg_get_userbyid(nullif(s.setrole, 0)), 'every login')
        )
    FROM pg_catalog.pg_db_role_setting AS s
    LEFT JOIN pg_catalog.pg_database AS d ON s.setdatabase = d.oid
    CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting)
    WHERE (s.setdatabase = 0 OR d.datname = current_database()) AND c.setting ILIKE 'session_replication_role=%' AND c.setting NOT ILIKE '%=origin'
    UNION ALL
    SELECT 'setting session_replication_role', format('%s may set it', coalesce(r.rolname, 'PUBLIC'))
    FROM pg_catalog.pg_parameter_acl AS p
    CROSS JOIN LATERAL aclexplode(p.paracl) AS a
    LEFT JOIN pg_catalog.pg_roles AS r ON a.grantee = r.oid
    WHERE p.parname = 'session_replication_role' AND NOT coalesce(r.rolsuper, FALSE)
$$;

COMMENT ON FUNCTION wallet.check_guards() IS
'Guard triggers that are missing, not always on or changed, a changed body of the function they call, and whatever sets session_replication_role, or may.';

GRANT EXECUTE ON FUNCTION wallet.check_guards() TO wallet_service, wallet_auditor;
