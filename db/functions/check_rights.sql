-- Only wallet_owner, as which nobody logs in, may write to a table; the others have the functions.
CREATE OR REPLACE FUNCTION wallet.check_rights()
RETURNS TABLE (object text, grantee text, privilege text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('wallet.%I', c.relname), coalesce(g.rolname, 'PUBLIC')::text, a.privilege_type
    FROM pg_catalog.pg_class AS c
    CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
    LEFT JOIN pg_catalog.pg_roles AS g ON a.grantee = g.oid
    WHERE
        c.relnamespace = 'wallet'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND a.grantee <> c.relowner
        AND a.privilege_type <> 'SELECT'
        AND NOT (c.relname = 'posting_gate' AND g.rolname = 'wallet_service' AND a.privilege_type = 'UPDATE')
    UNION ALL
    SELECT format('wallet.%I.%I', c.relname, t.attname), coalesce(g.rolname, 'PUBLIC')::text, a.privilege_type
    FROM pg_catalog.pg_attribute AS t
    JOIN pg_catalog.pg_class AS c ON t.attrelid = c.oid
    CROSS JOIN LATERAL aclexplode(t.attacl) AS a
    LEFT JOIN pg_catalog.pg_roles AS g ON a.grantee = g.oid
    WHERE c.relnamespace = 'wallet'::regnamespace AND a.grantee <> c.relowner AND a.privilege_type <> 'SELECT'
    UNION ALL
    SELECT 'schema wallet', coalesce(g.rolname, 'PUBLIC')::text, a.privilege_type
    FROM pg_catalog.pg_namespace AS n
    CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
    LEFT JOIN pg_catalog.pg_roles AS g ON a.grantee = g.oid
    WHERE n.nspname = 'wallet' AND a.grantee <> n.nspowner AND a.privilege_type = 'CREATE'
    UNION ALL
    SELECT p.oid::regprocedure::text, 'PUBLIC', 'EXECUTE'
    FROM pg_catalog.pg_proc AS p
    CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    WHERE p.pronamespace = 'wallet'::regnamespace AND a.grantee = 0
    UNION ALL
    SELECT 'role wallet_owner', 'itself', 'LOGIN'
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolname = 'wallet_owner' AND (r.rolcanlogin OR r.rolsuper)
    UNION ALL
    SELECT format('role %I', r.rolname), 'wallet_owner', 'MEMBER'
    FROM pg_catalog.pg_roles AS r
    WHERE
        r.rolname IN ('wallet_service', 'wallet_jobs', 'wallet_auditor') AND pg_has_role(r.oid, 'wallet_owner'::regrole, 'MEMBER')
$$;

COMMENT ON FUNCTION wallet.check_rights() IS
'Who may write to a table, make objects in the schema or call functions without being meant to; a wallet_owner that can log in; a role of the wallet that is a member of it.';

GRANT EXECUTE ON FUNCTION wallet.check_rights() TO wallet_service, wallet_auditor;
