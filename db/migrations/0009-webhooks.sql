-- depends: 0008-events
-- Webhooks: who is sent the events of the feed, and what of it was not taken at once.

SET LOCAL ROLE wallet_owner;

CREATE TYPE wallet.webhook_status AS ENUM ('ACTIVE', 'PAUSED', 'DISABLED', 'DELETED');

COMMENT ON TYPE wallet.webhook_status IS
'ACTIVE: events are sent. PAUSED: by whoever manages it. DISABLED: the receiver answered 410. DELETED: for ever; the row stays for its history.';

CREATE TYPE wallet.delivery_status AS ENUM ('PENDING', 'DELIVERED', 'DEAD');

COMMENT ON TYPE wallet.delivery_status IS
'PENDING: it will be tried again. DELIVERED: it was taken in the end. DEAD: given up; it can be sent again by hand.';

CREATE TABLE wallet.webhooks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    secret_created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    previous_secret_until timestamptz,
    lease_until timestamptz DEFAULT clock_timestamp() NOT NULL,
    lease_number bigint DEFAULT 0 NOT NULL,
    cursor uuid NOT NULL,
    status wallet.webhook_status DEFAULT 'ACTIVE' NOT NULL,
    url text NOT NULL,
    description text,
    event_types text[],
    asset_type_ids uuid[],
    secret bytea,
    previous_secret bytea,
    CONSTRAINT webhooks_pkey PRIMARY KEY (id),
    CONSTRAINT webhooks_url_check CHECK (url ~ '^https?://[^/?#@[:space:]]+([/?][^#[:space:]]*)?$' AND length(url) <= 2048),
    CONSTRAINT webhooks_description_check CHECK (length(description) BETWEEN 1 AND 255),
    CONSTRAINT webhooks_event_types_check CHECK (
        cardinality(event_types) BETWEEN 1 AND 100 AND array_position(event_types, NULL) IS NULL
    ),
    CONSTRAINT webhooks_asset_types_check CHECK (
        cardinality(asset_type_ids) BETWEEN 1 AND 1000 AND array_position(asset_type_ids, NULL) IS NULL
    ),
    CONSTRAINT webhooks_secret_check CHECK (
        (status = 'DELETED') = (secret IS NULL) AND (previous_secret IS NULL) = (previous_secret_until IS NULL)
    )
)
-- Its row is updated after each handful of deliveries: room for that in the page.
WITH (fillfactor = 50);

COMMENT ON TABLE wallet.webhooks IS
'Who is sent the events of the feed: how far the webhook has come in it, and which process sends at the moment.';

COMMENT ON COLUMN wallet.webhooks.url IS 'Where events are sent to.';

COMMENT ON COLUMN wallet.webhooks.event_types IS 'The only types of events that are sent. NULL: all.';

COMMENT ON COLUMN wallet.webhooks.asset_type_ids IS 'The only asset types whose events are sent. NULL: all.';

COMMENT ON COLUMN wallet.webhooks.cursor IS
'The cursor of the feed up to which every event was taken by the receiver or is in wallet.webhook_deliveries.';

COMMENT ON COLUMN wallet.webhooks.secret IS
'The key of the signatures, 32 bytes. It is kept as it is, for it is needed for each delivery; nobody may read it but the owner.';

COMMENT ON COLUMN wallet.webhooks.secret_created_at IS 'Since when that is the key.';

COMMENT ON COLUMN wallet.webhooks.previous_secret IS 'The key before. Deliveries are signed with it too, for a while.';

COMMENT ON COLUMN wallet.webhooks.previous_secret_until IS 'From this instant on the key before is not used any more.';

COMMENT ON COLUMN wallet.webhooks.lease_number IS
'Counts who has sent for this webhook: what a process writes under an older number than this is ignored.';

COMMENT ON COLUMN wallet.webhooks.lease_until IS
'Until this instant nobody but the process with the lease sends; when it has passed, whoever comes first does.';

CREATE TABLE wallet.webhook_deliveries (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    webhook_id uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    next_attempt_at timestamptz,
    attempts smallint NOT NULL,
    response_status smallint,
    status wallet.delivery_status NOT NULL,
    error text,
    event_id uuid NOT NULL,
    event json NOT NULL,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id),
    -- An event is put aside once, even if two processes sent it.
    CONSTRAINT webhook_deliveries_event_key UNIQUE (webhook_id, event_id),
    CONSTRAINT webhook_deliveries_webhook_fkey FOREIGN KEY (webhook_id) REFERENCES wallet.webhooks (id),
    CONSTRAINT webhook_deliveries_attempts_check CHECK (attempts >= 0),
    CONSTRAINT webhook_deliveries_next_check CHECK ((status = 'PENDING') = (next_attempt_at IS NOT NULL))
);

COMMENT ON TABLE wallet.webhook_deliveries IS
'The events that a receiver did not take at the first attempt, and what became of them. What was taken at once has no row.';

COMMENT ON COLUMN wallet.webhook_deliveries.webhook_id IS 'To whom.';

COMMENT ON COLUMN wallet.webhook_deliveries.number IS 'The order in which they were put aside.';

COMMENT ON COLUMN wallet.webhook_deliveries.next_attempt_at IS 'When it is due again. NULL: it is over.';

COMMENT ON COLUMN wallet.webhook_deliveries.attempts IS 'How often it was tried since it was first sent, or sent again by hand.';

COMMENT ON COLUMN wallet.webhook_deliveries.response_status IS 'The HTTP status of the last attempt''s answer. NULL: there was none.';

COMMENT ON COLUMN wallet.webhook_deliveries.error IS 'Why the last attempt failed. NULL: it did not.';

COMMENT ON COLUMN wallet.webhook_deliveries.event_id IS 'The event''s id, the same in each attempt.';

COMMENT ON COLUMN wallet.webhook_deliveries.event IS 'The event, as it is sent.';

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX webhook_deliveries_due_idx ON wallet.webhook_deliveries (webhook_id, next_attempt_at) WHERE status = 'PENDING';

COMMENT ON INDEX wallet.webhook_deliveries_due_idx IS 'Finds what is due, and counts what waits.';

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX webhook_deliveries_number_idx ON wallet.webhook_deliveries (webhook_id, number);

COMMENT ON INDEX wallet.webhook_deliveries_number_idx IS 'Lists the deliveries of a webhook, newest first.';

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX webhook_deliveries_status_idx ON wallet.webhook_deliveries (webhook_id, status, number);

COMMENT ON INDEX wallet.webhook_deliveries_status_idx IS 'The same, of one status.';

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX webhook_deliveries_over_idx ON wallet.webhook_deliveries (updated_at) WHERE status <> 'PENDING';

COMMENT ON INDEX wallet.webhook_deliveries_over_idx IS 'Finds what is old enough to be removed.';

-- Every new table is shown to the auditor; of this one everything but the secrets.
REVOKE SELECT ON wallet.webhooks FROM wallet_auditor;

GRANT SELECT (
    id, created_at, updated_at, secret_created_at, previous_secret_until, lease_until, lease_number, status, url, description,
    event_types, asset_type_ids, cursor
) ON wallet.webhooks TO wallet_auditor;

-- Two instant changes of the catalogue; the check is not validated, for the rows that are there obey the narrower one before it.
ALTER TABLE wallet.idempotency_keys
ADD COLUMN webhook_id uuid,
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT idempotency_keys_made_check,
ADD CONSTRAINT idempotency_keys_made_check CHECK (
    num_nonnulls(transaction_id, account_id, asset_type_id, webhook_id) = 1
    AND (transaction_id IS NULL) = (request IS NOT NULL)
    AND (transaction_id IS NULL) = (answer IS NOT NULL)
) NOT VALID;

COMMENT ON COLUMN wallet.idempotency_keys.webhook_id IS 'The webhook that was made or changed under the key.';

-- A webhook may be for several assets, or for all.
ALTER TABLE wallet.changes
-- squawk-ignore ban-drop-not-null
ALTER COLUMN asset_type_id DROP NOT NULL,
ADD CONSTRAINT changes_asset_type_check CHECK ((asset_type_id IS NULL) = (object_type = 'WEBHOOK')) NOT VALID;

COMMENT ON COLUMN wallet.changes.asset_type_id IS 'The asset of the object, or the asset itself. NULL: a webhook''s.';

-- The routine that now takes another argument.
-- squawk-ignore ban-drop-function
DROP FUNCTION IF EXISTS wallet.claim_request(text, uuid, uuid, jsonb, json);
