-- The schema as a list of definitions. wallet migrate records it with the release, wallet.check_schema compares.
CREATE OR REPLACE FUNCTION wallet.schema_objects()
RETURNS TABLE (object text, definition_sha256 text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.object, encode(sha256(convert_to(d.definition || coalesce((
        SELECT string_agg(format(' %s=%s', coalesce(r.rolname, 'PUBLIC'), a.privilege_type), '' ORDER BY r.rolname, a.privilege_type)
        FROM aclexplode(d.acl) AS a
        LEFT JOIN pg_roles AS r ON a.grantee = r.oid
    ), ''), 'UTF8')), 'hex')
    FROM (
        SELECT 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid) || p.proowner::regrole, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM pg_proc AS p
        WHERE p.pronamespace = 'wallet'::regnamespace AND p.prokind IN ('f', 'p')
        UNION ALL
        -- The internal ones keep foreign keys, and have a number for a name.
        SELECT
            format(
                'trigger %s on %s',
                CASE
                    WHEN g.tgisinternal THEN format('%s of %s.%I', g.tgfoid::regproc, k.conrelid::regclass, k.conname)
                    ELSE quote_ident(g.tgname)
                END,
                g.tgrelid::regclass
            ),
            CASE WHEN g.tgisinternal THEN '' ELSE pg_get_triggerdef(g.oid) END || g.tgenabled::text, NULL
        FROM pg_trigger AS g
        JOIN pg_class AS c ON g.tgrelid = c.oid
        LEFT JOIN pg_constraint AS k ON g.tgconstraint = k.oid
        WHERE c.relnamespace = 'wallet'::regnamespace
        UNION ALL
        SELECT
            format('constraint %I on %s', k.conname, coalesce(nullif(k.conrelid, 0)::regclass::text, k.contypid::regtype::text)),
            -- A dump that is restored has ((a AND b) AND c) as (a AND b AND c). A term has parentheses four deep at most.
            regexp_replace(
                pg_get_constraintdef(k.oid),
                '\(\((\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)(?: AND \((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\))+)\) AND ',
                '(\1 AND ', 'g'
            ),
            NULL
        FROM pg_constraint AS k
        WHERE k.connamespace = 'wallet'::regnamespace
        UNION ALL
        -- Neither its settings nor its statistics: they may be tuned.
        SELECT format('index %s', i.indexrelid::regclass), regexp_replace(pg_get_indexdef(i.indexrelid), ' WITH \(.*?\)', '') || i.indisunique, NULL
        FROM pg_index AS i
        JOIN pg_class AS c ON i.indexrelid = c.oid
        WHERE c.relnamespace = 'wallet'::regnamespace
        UNION ALL
        SELECT
            format('%s %s', CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END, c.oid::regclass),
            format('%s %s %s %s', c.relowner::regrole, c.relrowsecurity, c.relpersistence, CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END),
            coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
        FROM pg_class AS c
        WHERE c.relnamespace = 'wallet'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL
        SELECT
            format('column %s.%I', t.attrelid::regclass, t.attname),
            format('%s %s %s %s', format_type(t.atttypid, t.atttypmod), t.attnotnull, t.attidentity, pg_get_expr(f.adbin, f.adrelid)),
            t.attacl
        FROM pg_attribute AS t
        JOIN pg_class AS c ON t.attrelid = c.oid
        LEFT JOIN pg_attrdef AS f ON t.attrelid = f.adrelid AND t.attnum = f.adnum
        WHERE c.relnamespace = 'wallet'::regnamespace AND c.relkind IN ('r', 'p', 'c') AND t.attnum > 0 AND NOT t.attisdropped
        UNION ALL
        SELECT format('rule %I on %s', w.rulename, w.ev_class::regclass), pg_get_ruledef(w.oid) || w.ev_enabled::text, NULL
        FROM pg_rewrite AS w
        JOIN pg_class AS c ON w.ev_class = c.oid
        WHERE c.relnamespace = 'wallet'::regnamespace
        UNION ALL
        SELECT y.object, y.definition, y.acl FROM wallet.schema_types() AS y
    ) AS d (object, definition, acl)
$$;

COMMENT ON FUNCTION wallet.schema_objects() IS
'Every function, trigger (those of foreign keys too), constraint, index, table, sequence, column, rule, type and inheriting table of the schema, each with a hash of its definition, owner and rights.';

GRANT EXECUTE ON FUNCTION wallet.schema_objects() TO wallet_service, wallet_auditor;
