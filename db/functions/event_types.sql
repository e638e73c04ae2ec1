-- The one list of what an event can be.
CREATE OR REPLACE FUNCTION wallet.event_types()
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN '{
    transaction.posted, hold.created, hold.voided, hold.expired, account.opened, account.changed, asset_type.created,
    asset_type.changed, spending_limit.created, spending_limit.changed, budget.created, budget.changed
}'::text[];

COMMENT ON FUNCTION wallet.event_types() IS 'The types of events in the feed.';
