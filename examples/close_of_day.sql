-- Finance's close of the day, read-only. Run it with:  wallet psql -v day=2026-11-22 -f examples/close_of_day.sql
-- Days are in UTC. Without day it is the day of the newest posting.

SET ROLE wallet_auditor;
\if :{?day}
\else
SELECT (max(created_at) AT TIME ZONE 'UTC')::date AS day FROM wallet.transactions \gset
\endif

-- One snapshot for all reports, so that they agree with each other.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

\echo Checks with problems
SELECT check_name, problems, remedy FROM wallet.doctor() WHERE problems > 0;

\echo Trial balance
SELECT symbol, debits, credits, balance_sum FROM wallet.trial_balance();

\echo Postings of the day
SELECT t.symbol, x.type, count(*) AS postings, sum(x.amount) AS amount
FROM wallet.transactions AS x
JOIN wallet.asset_types AS t ON x.asset_type_id = t.id
WHERE x.created_at >= :'day'::timestamp AT TIME ZONE 'UTC' AND x.created_at < (:'day'::timestamp + '1 day') AT TIME ZONE 'UTC'
GROUP BY t.symbol, x.type
ORDER BY t.symbol, x.type;

COMMIT;
RESET ROLE;
