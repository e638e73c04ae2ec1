DROP SCHEMA wallet CASCADE;

ALTER DEFAULT PRIVILEGES FOR ROLE wallet_owner GRANT EXECUTE ON FUNCTIONS TO public;

-- Another database of the server may still use the roles; they go with the last one.
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['wallet_auditor', 'wallet_jobs', 'wallet_service', 'wallet_owner'] LOOP
        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', v_role);
        EXCEPTION
            WHEN dependent_objects_still_exist OR insufficient_privilege THEN
                RAISE NOTICE 'role % is still used, it stays', v_role;
        END;
    END LOOP;
END;
$$;
