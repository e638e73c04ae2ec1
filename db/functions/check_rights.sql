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
    SELECT format('role %I', r.rolname), w.role_name, 'MEMBER'
    FROM pg_catalog.pg_roles AS r
    CROSS JOIN (VALUES ('wallet_owner'), ('pg_write_all_data')) AS w (role_name)
    WHERE
        NOT r.rolsuper AND r.rolname <> w.role_name AND pg_has_role(r.oid, w.role_name::regrole, 'MEMBER')
        -- Who migrates acts as the owner. Such a login makes roles, or owns the database.
        AND NOT (
            w.role_name = 'wallet_owner'
            AND (r.rolcreaterole OR r.oid = (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()))
        )
    UNION ALL
    SELECT 'default rights of ' || d.defaclrole::regrole, coalesce(g.rolname, 'PUBLIC')::text, a.privilege_type
    FROM pg_catalog.pg_default_acl AS d
    CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
    LEFT JOIN pg_catalog.pg_roles AS g ON a.grantee = g.oid
    WHERE
        (d.defaclrole = 'wallet_owner'::regrole OR d.defaclnamespace = 'wallet'::regnamespace) AND a.grantee <> d.defaclrole
        AND NOT (d.defaclobjtype = 'r' AND g.rolname = 'wallet_auditor' AND a.privilege_type = 'SELECT')
$$;

COMMENT ON FUNCTION wallet.check_rights() IS
'Who may write to a table, make objects in the schema or call functions without being meant to, now or by default rights; a wallet_owner that can log in; its members, but for superusers, roles with CREATEROLE and the owner of the database, who migrate; members of pg_write_all_data.';

GRANT EXECUTE ON FUNCTION wallet.check_rights() TO wallet_service, wallet_auditor;
