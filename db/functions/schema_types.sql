-- A part of wallet.schema_objects: types, and tables that inherit, through which rows could come in past all constraints.
CREATE OR REPLACE FUNCTION wallet.schema_types()
RETURNS TABLE (object text, definition text, acl aclitem[])
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('child %s of %s', i.inhrelid::regclass, i.inhparent::regclass), '', NULL
    FROM pg_inherits AS i
    JOIN pg_class AS c ON i.inhparent = c.oid OR i.inhrelid = c.oid
    WHERE c.relnamespace = 'wallet'::regnamespace
    UNION ALL
    SELECT
        format('type %s', y.oid::regtype),
        format('%s %s', y.typowner::regrole, (
            SELECT string_agg(quote_literal(e.enumlabel), ' ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = y.oid
        )),
        coalesce(y.typacl, acldefault('T', y.typowner))
    FROM pg_type AS y
    LEFT JOIN pg_class AS c ON y.typrelid = c.oid
    WHERE y.typnamespace = 'wallet'::regnamespace AND (y.typtype = 'e' OR c.relkind = 'c')
$$;

COMMENT ON FUNCTION wallet.schema_types() IS
'The enumerations and composite types of the schema, and the tables that inherit from or in it, each with its definition and rights.';
