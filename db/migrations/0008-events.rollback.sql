SET LOCAL ROLE wallet_owner;

-- The routines of this release that name what goes, or take other arguments than before; `wallet migrate` of the release before brings
-- its own again.
-- squawk-ignore ban-drop-function
DROP FUNCTION IF EXISTS
wallet.list_events(text, integer, text[], uuid, uuid[]),
wallet.find_events(bigint, bigint, integer, text[], uuid, uuid[]),
wallet.find_entry_events(uuid, bigint, bigint, integer, uuid[]),
wallet.find_hold_events(bigint, bigint, integer, text[], uuid, uuid[]),
wallet.event_json(wallet.event), wallet.change_event(bigint), wallet.opened_account(wallet.accounts), wallet.event_types(),
wallet.event_cursor(bigint), wallet.event_number(text), wallet.event_horizon(), wallet.version_of_number(uuid, bigint, bigint),
wallet.mark_numbers(),
wallet.settle_lines(
    integer[], integer[], integer[], numeric[], text[], integer[], numeric[], text[],
    numeric[], text[], numeric[], text[], numeric[], bigint[]
),
wallet.release_keys(wallet.posting_line[], text[], uuid[]);

DROP TYPE IF EXISTS wallet.event;

ALTER TABLE wallet.changes DROP COLUMN IF EXISTS event_number;

ALTER TABLE wallet.accounts DROP COLUMN IF EXISTS event_number;

ALTER TABLE wallet.holds DROP COLUMN IF EXISTS expiry_number;

COMMENT ON SEQUENCE wallet.transaction_numbers IS
'Numbers of postings, drawn under the account locks. A posting that rolls back leaves a gap; nothing depends on there being none.';
