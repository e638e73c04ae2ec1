-- depends: 0007-limits
-- The event feed: what is no transaction and no hold has a place among them.

SET LOCAL ROLE wallet_owner;

-- Rewrites the table: each change that is there gets a number, in the order in which the changes were made. They come after everything
-- that was posted before this migration.
-- squawk-ignore adding-field-with-default
ALTER TABLE wallet.changes ADD COLUMN event_number bigint DEFAULT nextval('wallet.transaction_numbers') NOT NULL;

-- squawk-ignore ban-drop-default
ALTER TABLE wallet.changes ALTER COLUMN event_number DROP DEFAULT;

COMMENT ON COLUMN wallet.changes.event_number IS 'The place of the change in the event feed, from wallet.transaction_numbers.';

-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX changes_event_number_key ON wallet.changes (event_number);

COMMENT ON INDEX wallet.changes_event_number_key IS 'Lists the changes in the order of the event feed.';

ALTER TABLE wallet.accounts ADD COLUMN event_number bigint;

COMMENT ON COLUMN wallet.accounts.event_number IS
'The place of the opening in the event feed, from wallet.transaction_numbers. NULL: a system account, or a wallet that was opened before there was a feed.';

-- No posting changes the column, so the update of a balance still touches no index (HOT).
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX accounts_event_number_key ON wallet.accounts (event_number) WHERE event_number IS NOT NULL;

COMMENT ON INDEX wallet.accounts_event_number_key IS 'Lists the openings of wallets in the order of the event feed.';

ALTER TABLE wallet.holds ADD COLUMN expiry_number bigint;

COMMENT ON COLUMN wallet.holds.expiry_number IS
'The place of the expiry in the event feed, from wallet.transaction_numbers. NULL: it has not expired, that is not booked yet, or was before there was a feed.';

-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX holds_expiry_number_key ON wallet.holds (expiry_number) WHERE expiry_number IS NOT NULL;

COMMENT ON INDEX wallet.holds_expiry_number_key IS 'Lists the expiries of holds in the order of the event feed.';

COMMENT ON SEQUENCE wallet.transaction_numbers IS
'Numbers of postings and of all other events, drawn under the locks of the accounts they are about, after wallet.mark_numbers(). What rolls back leaves a gap; nothing depends on there being none.';

CREATE TYPE wallet.event AS (
    number bigint,
    type text,
    id uuid,
    object_id uuid,
    source text,
    is_wanted boolean
);

COMMENT ON TYPE wallet.event IS
'An event of the feed, before it is written out: its number, what happened (type), its public id, the row it tells of (object_id), the index it was found by (source), and whether it is what was asked for.';

-- A number is the line's own now, whoever claimed its key.
-- squawk-ignore ban-drop-function
DROP FUNCTION IF EXISTS
wallet.settle_lines(
    integer[], integer[], integer[], numeric[], text[], integer[], numeric[], text[],
    numeric[], text[], numeric[], text[], numeric[], bigint[], bigint[], uuid[]
),
wallet.release_keys(wallet.posting_line[], text[], uuid[], uuid[]);
