-- The rival of wallet.post: writes the very rows that wallet.post writes for the same 1,000 top-ups, into the same tables with the
-- same indexes, and asks nothing: no locks, no look-up of keys, no check of assets, amounts, floors or versions, no answers. One
-- statement and its commit. It is right only while nobody else posts, which is so in its scratch database.
WITH requests AS MATERIALIZED (
    SELECT
        t.id AS source_id,
        w.id AS dest_id,
        t.version + n.number AS source_version,
        w.version + 1 AS dest_version,
        t.balance - n.number AS source_balance,
        w.balance + 1 AS dest_balance,
        n.transaction_number,
        wallet.transaction_id(n.transaction_number, b.seed) AS transaction_id,
        'batch-' || b.number || '-' || n.number AS key,
        b.posted_at
    FROM (SELECT gen_random_uuid() AS seed, nextval('bench.batches') AS number, clock_timestamp() AS posted_at) AS b
    CROSS JOIN (
        SELECT g.number, nextval('wallet.transaction_numbers') AS transaction_number FROM generate_series(1, 1000) AS g (number)
    ) AS n
    INNER JOIN wallet.accounts AS w ON w.id = bench.wallet_id(n.number)
    CROSS JOIN (
        SELECT a.id, a.version, a.balance
        FROM wallet.accounts AS a
        WHERE a.asset_type_id = CAST(:asset AS uuid) AND a.account_type = 'TREASURY' AND a.account_type <> 'USER' AND a.stripe = 0
    ) AS t
), keys AS (
    INSERT INTO wallet.idempotency_keys (key, transaction_id)
    SELECT r.key, r.transaction_id FROM requests AS r
), transactions AS (
    INSERT INTO wallet.transactions (
        id, source_account_id, dest_account_id, asset_type_id, source_version, dest_version, created_at, type, amount, idempotency_key
    )
    SELECT
        r.transaction_id, r.source_id, r.dest_id, CAST(:asset AS uuid), r.source_version, r.dest_version, r.posted_at, 'TOP_UP', 1, r.key
    FROM requests AS r
), entries AS (
    INSERT INTO wallet.ledger_entries (account_id, transaction_id, version, created_at, entry_type, leg, amount, balance_after)
    SELECT e.account_id, r.transaction_id, e.version, r.posted_at, e.entry_type, e.leg, 1, e.balance_after
    FROM requests AS r
    CROSS JOIN LATERAL (
        VALUES (r.source_id, r.source_version, 'DEBIT'::wallet.entry_type, 1::smallint, r.source_balance),
               (r.dest_id, r.dest_version, 'CREDIT'::wallet.entry_type, 2::smallint, r.dest_balance)
    ) AS e (account_id, version, entry_type, leg, balance_after)
), blocks AS (
    INSERT INTO wallet.transaction_blocks AS b (level, block, asset_type_id, type, status, stripe, transaction_count)
    SELECT k.level, r.transaction_number >> k.shift, CAST(:asset AS uuid), 'TOP_UP', 'COMPLETED', 0, count(*)
    FROM requests AS r
    CROSS JOIN (VALUES (0::smallint, 10), (1::smallint, 20)) AS k (level, shift)
    GROUP BY 1, 2
    ON CONFLICT ON CONSTRAINT transaction_blocks_pkey
    DO UPDATE SET transaction_count = b.transaction_count + excluded.transaction_count
)
UPDATE wallet.accounts AS a
SET balance = m.balance, version = m.version, updated_at = m.posted_at
FROM (
    SELECT r.dest_id AS id, r.dest_balance AS balance, r.dest_version AS version, r.posted_at FROM requests AS r
    UNION ALL
    SELECT r.source_id, min(r.source_balance), max(r.source_version), r.posted_at FROM requests AS r GROUP BY r.source_id, r.posted_at
) AS m
WHERE a.id = m.id;
