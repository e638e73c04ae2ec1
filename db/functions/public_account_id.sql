-- Folds the stripes of a system account into the one id that is shown outside.
CREATE OR REPLACE FUNCTION wallet.public_account_id(p_account_id uuid)
RETURNS uuid
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE substr(p_account_id::text, 15, 1)
    WHEN '8' THEN (left(p_account_id::text, 34) || '00')::uuid
    ELSE p_account_id
END;

COMMENT ON FUNCTION wallet.public_account_id(uuid) IS
'The id under which an account is shown: a system account''s (UUID version 8) with its last byte, the stripe, set to zero; a wallet''s own.';

GRANT EXECUTE ON FUNCTION wallet.public_account_id(uuid) TO wallet_service, wallet_jobs, wallet_auditor;
