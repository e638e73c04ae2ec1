-- One top-up per transaction, from a random wallet of a range.
\set n :n + 1
\set wallet random(:first, :last)
SELECT wallet.top_up(
    bench.wallet_id(:wallet), CAST(:asset AS uuid), 1, CAST(:run AS text) || '-' || CAST(:client_id AS text) || '-' || CAST(:n AS text)
);
