-- Encoding 1 of sealed rows. Released seals rest on every letter of it: a change of a column's line is a new encoding, in a new
-- routine beside this one. A new nullable column may be added at the end of its row: where it is NULL nothing changes.
--
-- Numbers and ids are their text, instants are microseconds since 1970 in UTC, JSON is PostgreSQL's text of jsonb. What says where
-- the row belongs (identity) is kept apart from the rest (content), so that two rows that changed places can be told.
--
-- Always by index, also before there are statistics: a range of numbers is a small part of a ledger that has grown.
--
-- An account is sealed beside its first entry, and only with what never changes: a balance follows from the entries. So is a hold: as
-- it was made. What became of it is not sealed; its capture is a transaction.
CREATE OR REPLACE FUNCTION wallet.sealed_rows(p_number_from bigint, p_number_to bigint)
RETURNS TABLE (transaction_id uuid, leg smallint, account_id uuid, version bigint, identity bytea, content bytea)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
    WITH bounds AS (
        SELECT
            wallet.transaction_id(p_number_from, '00000000-0000-0000-0000-000000000000') AS id_from,
            wallet.transaction_id(p_number_to + 1, '00000000-0000-0000-0000-000000000000') AS id_before
    ), entries AS (
        SELECT e.* FROM wallet.ledger_entries AS e
        WHERE e.transaction_id >= (SELECT b.id_from FROM bounds AS b) AND e.transaction_id < (SELECT b.id_before FROM bounds AS b)
    ), texts AS (
        SELECT
            t.id, 0::smallint AS leg, NULL::uuid AS account_id, NULL::bigint AS version,
            'transaction' || chr(10) || wallet.sealed_field('id', t.id::text) AS identity,
            wallet.sealed_field('type', t.type::text) || wallet.sealed_field('status', t.status::text)
            || wallet.sealed_field('source_account_id', t.source_account_id::text)
            || wallet.sealed_field('source_version', t.source_version::text)
            || wallet.sealed_field('dest_account_id', t.dest_account_id::text)
            || wallet.sealed_field('dest_version', t.dest_version::text)
            || wallet.sealed_field('asset_type_id', t.asset_type_id::text) || wallet.sealed_field('amount', t.amount::text)
            || wallet.sealed_field('created_at', trunc(extract(EPOCH FROM t.created_at) * 1000000)::text)
            || wallet.sealed_field('idempotency_key', t.idempotency_key) || wallet.sealed_field('reference_id', t.reference_id)
            || wallet.sealed_field('description', t.description) || wallet.sealed_field('metadata', t.metadata::text)
            || wallet.sealed_field('posted_by', t.posted_by) || wallet.sealed_field('related_id', t.related_id::text)
            || wallet.sealed_field('request', t.request::text) || wallet.sealed_field('leg_account_ids', t.leg_account_ids::text)
            || wallet.sealed_field('leg_versions', t.leg_versions::text) AS content
        FROM wallet.transactions AS t
        WHERE t.id >= (SELECT b.id_from FROM bounds AS b) AND t.id < (SELECT b.id_before FROM bounds AS b)
        UNION ALL
        SELECT
            e.transaction_id, e.leg, e.account_id, e.version,
            'entry' || chr(10) || wallet.sealed_field('transaction_id', e.transaction_id::text)
            || wallet.sealed_field('leg', e.leg::text),
            wallet.sealed_field('account_id', e.account_id::text) || wallet.sealed_field('version', e.version::text)
            || wallet.sealed_field('entry_type', e.entry_type::text) || wallet.sealed_field('amount', e.amount::text)
            || wallet.sealed_field('balance_after', e.balance_after::text)
            || wallet.sealed_field('created_at', trunc(extract(EPOCH FROM e.created_at) * 1000000)::text)
        FROM entries AS e
        UNION ALL
        SELECT
            e.transaction_id, -e.leg, a.id, e.version, 'account' || chr(10) || wallet.sealed_field('id', a.id::text),
            wallet.sealed_field('asset_type_id', a.asset_type_id::text)
            || wallet.sealed_field('account_type', a.account_type::text) || wallet.sealed_field('stripe', a.stripe::text)
            || wallet.sealed_field('asset_decimals', a.asset_decimals::text)
            || wallet.sealed_field('external_id', a.external_id)
            || wallet.sealed_field('created_at', trunc(extract(EPOCH FROM a.created_at) * 1000000)::text)
            || wallet.sealed_field('asset_symbol', CASE WHEN a.account_type = 'TREASURY' THEN y.symbol END)
        FROM entries AS e
        JOIN wallet.accounts AS a ON e.account_id = a.id
        LEFT JOIN wallet.asset_types AS y ON a.asset_type_id = y.id
        WHERE e.version = 1
        UNION ALL
        SELECT
            h.id, 32767::smallint, h.account_id, NULL, 'hold' || chr(10) || wallet.sealed_field('id', h.id::text),
            wallet.sealed_field('account_id', h.account_id::text) || wallet.sealed_field('dest_account_id', h.dest_account_id::text)
            || wallet.sealed_field('asset_type_id', h.asset_type_id::text) || wallet.sealed_field('amount', h.amount::text)
            || wallet.sealed_field('created_at', trunc(extract(EPOCH FROM h.created_at) * 1000000)::text)
            || wallet.sealed_field('expires_at', trunc(extract(EPOCH FROM h.expires_at) * 1000000)::text)
            || wallet.sealed_field('idempotency_key', h.idempotency_key) || wallet.sealed_field('reference_id', h.reference_id)
            || wallet.sealed_field('description', h.description) || wallet.sealed_field('metadata', h.metadata::text)
            || wallet.sealed_field('posted_by', h.posted_by) || wallet.sealed_field('request', h.request::text)
            || wallet.sealed_field('stripe', h.stripe::text)
        FROM wallet.holds AS h
        WHERE h.id >= (SELECT b.id_from FROM bounds AS b) AND h.id < (SELECT b.id_before FROM bounds AS b)
    )
    SELECT t.id, t.leg, t.account_id, t.version, convert_to(t.identity, 'UTF8'), sha256(convert_to(t.content, 'UTF8'))
    FROM texts AS t
$$;

COMMENT ON FUNCTION wallet.sealed_rows(bigint, bigint) IS
'What a seal covers between two posting numbers, both included: transactions (leg 0), entries, accounts with their first entry (leg below 0), and holds as they were made (leg 32767). A row''s SHA-256 is that of identity and content, content being a SHA-256 itself.';
