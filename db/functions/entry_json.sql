-- A ledger entry as the HTTP interface shows it. Its public id is the transaction's with the leg in the last byte.
CREATE OR REPLACE FUNCTION wallet.entry_json(p_entry wallet.ledger_entries, p_place bigint, p_balance_after numeric)
RETURNS json
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN (
    '{"id":"' || left((p_entry).transaction_id::text, 34) || lpad(to_hex((p_entry).leg::integer), 2, '0')
    || '","transactionId":"' || (p_entry).transaction_id
    || '","accountId":"' || wallet.public_account_id((p_entry).account_id)
    || '","entryType":"' || (p_entry).entry_type
    || '","amount":' || trim_scale((p_entry).amount)
    || ',"balanceAfter":' || trim_scale(p_balance_after)
    || ',"version":' || p_place
    || ',"createdAt":"' || to_char((p_entry).created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '"}'
)::json;

COMMENT ON FUNCTION wallet.entry_json(wallet.ledger_entries, bigint, numeric) IS
'An entry as JSON: id, transactionId, accountId, entryType, amount, balanceAfter, version (its place in the account''s history), createdAt. Place and balance are given apart, since those of a system account run over all its stripes.';
