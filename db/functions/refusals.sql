-- The one published table of refusals that the database can make.
CREATE OR REPLACE FUNCTION wallet.refusals()
RETURNS TABLE (sqlstate text, code text, http_status integer, meaning text)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
    ('WL001', 'validation_failed', 400, 'A field is missing or wrong; DETAIL names it.'),
    ('WL002', 'idempotency_key_missing', 400, 'No idempotency key, or one that is not 1 to 255 visible ASCII characters.'),
    ('WL003', 'account_not_found', 404, 'No account has this id.'),
    ('WL004', 'asset_type_not_found', 404, 'No asset type has this id.'),
    ('WL005', 'transaction_not_found', 404, 'No transaction has this id.'),
    ('WL006', 'external_id_taken', 409, 'Another account has this external id.'),
    ('WL007', 'insufficient_balance', 422, 'The wallet holds less than was asked for.'),
    ('WL008', 'asset_mismatch', 422, 'The account is of another asset than the request names.'),
    ('WL009', 'not_a_wallet', 422, 'The account is a system account.'),
    ('WL010', 'asset_inactive', 422, 'The asset type is switched off.'),
    ('WL011', 'idempotency_key_reused', 422, 'The key was used for another request; DETAIL names the fields that differ.'),
    ('WL012', 'append_only', 500, 'Somebody tried to change or remove a row that is kept for ever.'),
    ('WL013', 'batch_refused', 409, 'An item of an all-or-nothing batch was refused; DETAIL names it.'),
    ('WL014', 'hold_not_found', 404, 'No hold has this id.'),
    ('WL015', 'account_frozen', 422, 'The account is frozen: no debits, and credits only where it says so.'),
    ('WL016', 'account_closed', 422, 'The account is closed.'),
    ('WL017', 'balance_max_exceeded', 422, 'The credit would take the account above its maximum balance.'),
    ('WL018', 'not_refundable', 422, 'Refunds, conversions and parts of journals cannot be refunded.'),
    ('WL019', 'refund_exceeds_amount', 422, 'More than what is left of the transaction was to be refunded.'),
    ('WL020', 'capture_exceeds_hold', 422, 'The capture is larger than the hold.'),
    ('WL021', 'hold_captured', 422, 'The hold has been captured.'),
    ('WL022', 'hold_voided', 422, 'The hold has been voided.'),
    ('WL023', 'hold_expired', 422, 'The hold has expired.'),
    ('WL024', 'expiry_out_of_range', 422, 'A hold ends in the future, at most 366 days from now.'),
    ('WL025', 'conversion_out_of_range', 422, 'At this rate nothing, or too much, would be credited.'),
    ('WL026', 'account_not_empty', 422, 'Only an account with a balance of zero and no open holds can be closed.'),
    ('WL027', 'credit_limit_too_low', 422, 'The balance less what is held is below the new floor already.'),
    ('WL028', 'balance_max_too_low', 422, 'The balance is above the new maximum already.'),
    ('WL029', 'debt_max_too_low', 422, 'The account''s debt is larger already.'),
    ('WL030', 'symbol_taken', 409, 'Another asset type has this symbol.'),
    ('WL031', 'idempotency_key_not_found', 404, 'Nothing was made under this key.'),
    ('WL032', 'owner_not_found', 404, 'No account has this owner.'),
    ('WL033', 'spending_limit_exceeded', 422, 'A spending limit of the wallet leaves less than that; DETAIL names it and when it frees up.'),
    ('WL034', 'issuance_budget_exceeded', 422, 'The budget of the asset or of the campaign leaves less than that; DETAIL names it.'),
    ('WL035', 'campaign_not_found', 404, 'The asset has no campaign of this name.'),
    ('WL036', 'campaign_inactive', 422, 'The campaign has not begun, or is over.'),
    ('WL037', 'webhook_not_found', 404, 'No webhook has this id.'),
    ('WL038', 'delivery_not_found', 404, 'The webhook has no delivery with this id, or no more.')
$$;

COMMENT ON FUNCTION wallet.refusals() IS
'Every refusal of the database: SQLSTATE raised by the single functions, code in the answers of wallet.post and over HTTP, HTTP status, meaning.';

GRANT EXECUTE ON FUNCTION wallet.refusals() TO wallet_service, wallet_jobs, wallet_auditor;
