-- One call of wallet.post with 1,000 top-ups. A batch in which not all are posted fails with a division by zero.
SELECT 1 / (count(*) = 1000)::integer
FROM wallet.post(ARRAY(
    SELECT ROW(
        'TOP_UP', 'batch-' || b.number || '-' || w.number, bench.wallet_id(w.number), CAST(:asset AS uuid), 1, NULL, NULL, NULL
    )::wallet.posting_request
    FROM nextval('bench.batches') AS b (number)
    CROSS JOIN generate_series(1, 1000) AS w (number)
)) AS a
WHERE a.outcome = 'POSTED';
