-- The sentence for a person that goes with a refusal of wallet.post.
CREATE OR REPLACE FUNCTION wallet.refusal_error(p_code text, p_available numeric, p_amount numeric, p_details jsonb DEFAULT NULL)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE p_code
        WHEN 'validation_failed' THEN 'Validation failed'
        WHEN 'idempotency_key_missing' THEN 'An idempotency key of 1 to 255 visible ASCII characters is required.'
        WHEN 'account_not_found' THEN 'Account not found.'
        WHEN 'asset_type_not_found' THEN 'Asset type not found.'
        WHEN 'not_a_wallet' THEN 'The account is a system account, not a wallet.'
        WHEN 'asset_mismatch' THEN 'The account holds another asset than assetTypeId names.'
        WHEN 'asset_inactive' THEN 'The asset type is switched off.'
        WHEN 'insufficient_balance'
            THEN format('Insufficient balance: %s available, %s asked for.', trim_scale(p_available), trim_scale(p_amount))
        WHEN 'transaction_not_found' THEN 'Transaction not found.'
        WHEN 'hold_not_found' THEN 'Hold not found.'
        WHEN 'account_frozen' THEN 'The account is frozen.'
        WHEN 'account_closed' THEN 'The account is closed.'
        WHEN 'balance_max_exceeded'
            THEN format('The account''s maximum balance leaves room for %s, %s was to be credited.', trim_scale(-p_available), trim_scale(p_amount))
        WHEN 'not_refundable' THEN 'Refunds, conversions and parts of journals cannot be refunded.'
        WHEN 'refund_exceeds_amount' THEN format('Only %s of the transaction is left to be refunded.', trim_scale(p_available))
        WHEN 'capture_exceeds_hold' THEN 'The amount is more than the hold reserves.'
        WHEN 'hold_captured' THEN 'The hold has been captured.'
        WHEN 'hold_voided' THEN 'The hold has been voided.'
        WHEN 'hold_expired' THEN 'The hold has expired.'
        WHEN 'expiry_out_of_range' THEN 'The expiry must be in the future, at most 366 days from now.'
        WHEN 'conversion_out_of_range' THEN 'At this rate nothing, or too much, would be credited.'
        WHEN 'spending_limit_exceeded' THEN format(
            'The spending limit %s (%s per %s seconds) leaves %s. %s', p_details ->> 'limit',
            (p_details ->> 'maximum') || CASE p_details ->> 'measure' WHEN 'count' THEN ' debits' ELSE '' END,
            p_details ->> 'periodSeconds', p_details ->> 'available',
            coalesce('Enough is free at ' || (p_details ->> 'freesAt') || '.', 'It never leaves enough.')
        )
        WHEN 'issuance_budget_exceeded' THEN format(
            'The budget of %s leaves %s.', coalesce('campaign ' || (p_details ->> 'campaign'), 'the asset'), p_details ->> 'available'
        )
        WHEN 'campaign_not_found' THEN 'The asset has no campaign of this name.'
        WHEN 'campaign_inactive' THEN 'The campaign has not begun, or is over.'
        WHEN 'account_not_empty'
            THEN format('Only an empty account can be closed: its balance is %s, %s is held.', trim_scale(p_available), trim_scale(p_amount))
        WHEN 'credit_limit_too_low'
            THEN format('The balance is %s, of which %s is held: below the new floor.', trim_scale(p_available), trim_scale(p_amount))
        WHEN 'balance_max_too_low' THEN format('The balance is %s: above the new maximum.', trim_scale(p_available))
        WHEN 'debt_max_too_low' THEN format('The balance is %s: below what the new limits allow.', trim_scale(p_available))
        WHEN 'symbol_taken' THEN 'Another asset type has this symbol.'
        WHEN 'idempotency_key_not_found' THEN 'Nothing was made under this key.'
        WHEN 'owner_not_found' THEN 'No account has this ownerId.'
        WHEN 'idempotency_key_reused' THEN 'The idempotency key was used for another request.'
    END
$$;

COMMENT ON FUNCTION wallet.refusal_error(text, numeric, numeric, jsonb) IS
'The error sentence of a refusal; for insufficient_balance it names what is available and what was asked for, for limits and budgets what wallet.limit_details() says.';
