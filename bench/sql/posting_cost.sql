-- What a posting costs the database, and what foreign keys on the ledger would add. For a scratch database; run it as its owner:
--     wallet psql -X -q -f bench/sql/posting_cost.sql
-- All of it is rolled back.
\set QUIET on
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT wallet.create_asset_type('COST', 'Scratch asset') AS asset \gset
INSERT INTO wallet.accounts (name, asset_type_id, asset_decimals)
SELECT 'wallet ' || n, :'asset', 4 FROM generate_series(1, 24000) AS n;
ANALYZE wallet.accounts;
CREATE TEMPORARY TABLE measured (what text, batch_size integer, microseconds numeric, wal_bytes numeric) ON COMMIT DROP;
CREATE FUNCTION pg_temp.measure(p_what text, p_batch_size integer, p_count integer, p_offset integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_batches wallet.posting_request[];
    v_started_at timestamptz;
    v_started_lsn pg_lsn;
BEGIN
    FOR v_batch IN 1..p_count LOOP
        SELECT array_agg(ROW('TOP_UP', md5(p_what || w.id), w.id, w.asset_type_id, 12.5, 'order', NULL, NULL)::wallet.posting_request)
        INTO v_batches
        FROM (
            SELECT a.id, a.asset_type_id FROM wallet.accounts AS a WHERE a.name LIKE 'wallet %'
            ORDER BY a.id OFFSET p_offset + (v_batch - 1) * p_batch_size LIMIT p_batch_size
        ) AS w;
        v_started_at := clock_timestamp();
        v_started_lsn := pg_current_wal_insert_lsn();
        PERFORM count(*) FROM wallet.post(v_batches);
        INSERT INTO measured VALUES (
            p_what, p_batch_size,
            extract(EPOCH FROM clock_timestamp() - v_started_at) * 1e6 / p_batch_size,
            (pg_current_wal_insert_lsn() - v_started_lsn) / p_batch_size
        );
    END LOOP;
END;
$$;
SELECT pg_temp.measure('as it is', 1000, 10, 0) \g /dev/null
SELECT pg_temp.measure('as it is', 1, 300, 10000) \g /dev/null
ALTER TABLE wallet.transactions
ADD FOREIGN KEY (asset_type_id) REFERENCES wallet.asset_types (id) NOT VALID;
ALTER TABLE wallet.transactions
ADD FOREIGN KEY (source_account_id) REFERENCES wallet.accounts (id) NOT VALID,
ADD FOREIGN KEY (dest_account_id) REFERENCES wallet.accounts (id) NOT VALID;
ALTER TABLE wallet.ledger_entries
ADD FOREIGN KEY (account_id) REFERENCES wallet.accounts (id) NOT VALID,
ADD FOREIGN KEY (transaction_id) REFERENCES wallet.transactions (id) NOT VALID DEFERRABLE INITIALLY DEFERRED;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT pg_temp.measure('with foreign keys', 1000, 10, 11000) \g /dev/null
SELECT pg_temp.measure('with foreign keys', 1, 300, 21000) \g /dev/null
SELECT
    what AS "Schema",
    batch_size AS "Postings a call",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds)::numeric, 1) AS "Microseconds a posting",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY wal_bytes)::numeric) AS "WAL bytes a posting"
FROM measured
GROUP BY what, batch_size
ORDER BY what, batch_size DESC;
SELECT relname AS "Table", n_tup_ins AS "Rows in", n_tup_upd AS "Updates", n_tup_hot_upd AS "of them HOT"
FROM pg_stat_xact_user_tables
WHERE schemaname = 'wallet' AND n_tup_ins + n_tup_upd > 0
ORDER BY relname;
ROLLBACK;
