-- One call of wallet.post with 500 spends, of which every :every-th asks for more than the wallet has (0: none). A batch with another
-- number of refusals fails with a division by zero.
SELECT 1 / (count(*) = 500 - CASE WHEN CAST(:every AS integer) > 0 THEN 500 / CAST(:every AS integer) ELSE 0 END)::integer
FROM wallet.post(ARRAY(
    SELECT ROW(
        'SPEND', 'spend-' || b.number || '-' || w.number, bench.wallet_id(w.number), CAST(:asset AS uuid),
        CASE WHEN w.number % nullif(CAST(:every AS integer), 0) = 0 THEN 9000000000000 ELSE 1 END, NULL, NULL, NULL
    )::wallet.posting_request
    FROM nextval('bench.batches') AS b (number)
    CROSS JOIN generate_series(1, 500) AS w (number)
)) AS a
WHERE a.outcome = 'POSTED';
