-- A line of a statement as the HTTP interface shows it.
CREATE OR REPLACE FUNCTION wallet.statement_line_json(
    p_entry wallet.ledger_entries,
    p_entry_id uuid,
    p_place bigint,
    p_balance_after numeric,
    p_type wallet.transaction_type,
    p_reference_id text,
    p_description text,
    p_counterparty_account_ids uuid[]
)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN (
    '{"id":"' || p_entry_id
    || '","transactionId":"' || (p_entry).transaction_id
    || '","version":' || p_place
    || ',"type":' || coalesce('"' || p_type || '"', 'null')
    || ',"entryType":"' || (p_entry).entry_type
    || '","amount":' || trim_scale((p_entry).amount)
    || ',"balanceAfter":' || trim_scale(p_balance_after)
    || ',"createdAt":"' || to_char((p_entry).created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","referenceId":' || coalesce(to_json(p_reference_id)::text, 'null')
    || ',"description":' || coalesce(to_json(p_description)::text, 'null')
    || ',"counterpartyAccountIds":' || to_json(p_counterparty_account_ids)
    || '}'
);

COMMENT ON FUNCTION wallet.statement_line_json(
    wallet.ledger_entries, uuid, bigint, numeric, wallet.transaction_type, text, text, uuid[]
) IS
'A line of a statement as JSON text: id, transactionId, version, type, entryType, amount, balanceAfter, createdAt, referenceId, description, counterpartyAccountIds.';
