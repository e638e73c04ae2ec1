-- Top-ups %(first)s to %(last)s of a long history, one a millisecond, each wallet in its turn: rows as wallet.post would have left them.
WITH posted AS MATERIALIZED (
    SELECT
        n.number,
        wallet.transaction_id(n.number, s.seed) AS id,
        t.id AS source_id,
        bench.wallet_id(n.number * 7919 %% %(wallets)s + 1) AS dest_id,
        (n.number - 1) / %(wallets)s + 1 AS dest_version,
        %(started)s::timestamptz + n.number * interval '1 ms' AS posted_at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n (number)
    CROSS JOIN (SELECT gen_random_uuid() AS seed) AS s
    CROSS JOIN (
        SELECT a.id
        FROM wallet.accounts AS a
        WHERE a.asset_type_id = %(asset)s AND a.account_type = 'TREASURY' AND a.stripe = 0
    ) AS t
), keys AS (
    INSERT INTO wallet.idempotency_keys (key, transaction_id)
    SELECT 'fill-' || p.number, p.id FROM posted AS p
), transactions AS (
    INSERT INTO wallet.transactions (
        id, source_account_id, dest_account_id, asset_type_id, source_version, dest_version, created_at, type, amount, idempotency_key
    )
    SELECT
        p.id, p.source_id, p.dest_id, %(asset)s::uuid, p.number, p.dest_version, p.posted_at, 'TOP_UP', 1, 'fill-' || p.number
    FROM posted AS p
), blocks AS (
    INSERT INTO wallet.transaction_blocks AS b (level, block, asset_type_id, type, status, stripe, transaction_count)
    SELECT k.level, p.number >> k.shift, %(asset)s::uuid, 'TOP_UP', 'COMPLETED', 0, count(*)
    FROM posted AS p
    CROSS JOIN (VALUES (0::smallint, 10), (1::smallint, 20)) AS k (level, shift)
    GROUP BY 1, 2
    ON CONFLICT ON CONSTRAINT transaction_blocks_pkey
    DO UPDATE SET transaction_count = b.transaction_count + excluded.transaction_count
)
INSERT INTO wallet.ledger_entries (account_id, transaction_id, version, created_at, entry_type, leg, amount, balance_after)
SELECT e.account_id, p.id, e.version, p.posted_at, e.entry_type, e.leg, 1, e.balance_after
FROM posted AS p
CROSS JOIN LATERAL (
    VALUES (p.source_id, p.number, 'DEBIT'::wallet.entry_type, 1::smallint, -p.number),
           (p.dest_id, p.dest_version, 'CREDIT'::wallet.entry_type, 2::smallint, p.dest_version)
) AS e (account_id, version, entry_type, leg, balance_after);
-- Then:
-- Every account as its newest entry left it.
UPDATE wallet.accounts AS a
SET balance = n.balance_after, version = n.version, updated_at = n.created_at
FROM (
    SELECT b.id, e.balance_after, e.version, e.created_at
    FROM wallet.accounts AS b
    CROSS JOIN LATERAL (
        SELECT l.balance_after, l.version, l.created_at
        FROM wallet.ledger_entries AS l
        WHERE l.account_id = b.id
        ORDER BY l.version DESC
        LIMIT 1
    ) AS e
) AS n
WHERE a.id = n.id;
