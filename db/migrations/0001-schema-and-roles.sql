-- The schema and the four roles. Roles belong to the whole server, so another database may have made them already.
--
-- wallet_owner    owns every object; nobody logs in as it
-- wallet_service  what the HTTP service may do: EXECUTE the API functions
-- wallet_jobs     what trusted jobs may do from SQL: EXECUTE the posting and reading functions
-- wallet_auditor  what finance may do: SELECT everything, EXECUTE the reads and checks

DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['wallet_owner', 'wallet_service', 'wallet_jobs', 'wallet_auditor'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
        EXCEPTION
            -- Also unique_violation: two databases of one server may be migrated at the same time.
            WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
    IF NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user) THEN
        -- The migrating role makes objects as wallet_owner and lends its connection to the service's role.
        EXECUTE format('GRANT wallet_owner, wallet_service TO %I', current_user);
    END IF;
END;
$$;

CREATE SCHEMA wallet AUTHORIZATION wallet_owner;

COMMENT ON SCHEMA wallet IS
'The wallet: a double-entry ledger of virtual currency. Write through the functions; read through the functions, or as wallet_auditor from the tables.';

SET LOCAL ROLE wallet_owner;

-- The global form: the IN SCHEMA form does not take EXECUTE from PUBLIC.
ALTER DEFAULT PRIVILEGES FOR ROLE wallet_owner REVOKE EXECUTE ON FUNCTIONS FROM public;

ALTER DEFAULT PRIVILEGES FOR ROLE wallet_owner IN SCHEMA wallet GRANT SELECT ON TABLES TO wallet_auditor;

GRANT USAGE ON SCHEMA wallet TO wallet_service, wallet_jobs, wallet_auditor;
