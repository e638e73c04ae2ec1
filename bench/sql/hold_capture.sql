-- A hold of 1 on a random wallet of a range, then its capture: two transactions.
\set n :n + 1
\set wallet random(:first, :last)
SELECT CAST((wallet.hold(
    bench.wallet_id(:wallet), CAST(:asset AS uuid), 1,
    CAST(:run AS text) || '-hold-' || CAST(:client_id AS text) || '-' || CAST(:n AS text)
)).answer ->> 'id' AS uuid) AS hold
\gset
SELECT wallet.capture(CAST(:hold AS uuid), CAST(:run AS text) || '-capture-' || CAST(:client_id AS text) || '-' || CAST(:n AS text));
