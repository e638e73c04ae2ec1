-- depends: 0005-operations
-- Audited changes of accounts and asset types; what it takes to find accounts and transactions.

SET LOCAL ROLE wallet_owner;

CREATE TABLE wallet.changes (
    object_id uuid NOT NULL,
    number bigint NOT NULL,
    asset_type_id uuid NOT NULL,
    changed_at timestamptz NOT NULL,
    object_type text NOT NULL,
    changed_by text COLLATE "C" NOT NULL,
    reason text,
    old_values jsonb,
    new_values jsonb NOT NULL,
    CONSTRAINT changes_pkey PRIMARY KEY (object_id, number),
    CONSTRAINT changes_number_check CHECK (number > 0),
    CONSTRAINT changes_object_type_check CHECK (object_type ~ '^[A-Z_]{1,32}$'),
    CONSTRAINT changes_changed_by_check CHECK (length(changed_by) BETWEEN 1 AND 255),
    CONSTRAINT changes_reason_check CHECK (length(reason) BETWEEN 1 AND 1000),
    CONSTRAINT changes_values_check CHECK (jsonb_typeof(old_values) = 'object' AND jsonb_typeof(new_values) = 'object')
);

COMMENT ON TABLE wallet.changes IS
'Who changed what that is no posting, when and why: one row per change, append-only, numbered per object.';

COMMENT ON COLUMN wallet.changes.object_id IS 'What was changed: an account, an asset type.';

COMMENT ON COLUMN wallet.changes.number IS 'Place of the change in its object''s history: 1, 2, 3, … without a gap.';

COMMENT ON COLUMN wallet.changes.asset_type_id IS 'The asset of the object, or the asset itself.';

COMMENT ON COLUMN wallet.changes.object_type IS 'ACCOUNT, ASSET_TYPE, …';

COMMENT ON COLUMN wallet.changes.changed_at IS 'When; never before the object''s change before.';

COMMENT ON COLUMN wallet.changes.changed_by IS 'key:<id of the API key> or role:<login to the database>.';

COMMENT ON COLUMN wallet.changes.reason IS 'Why, in the words of whoever did it. NULL: a new object.';

COMMENT ON COLUMN wallet.changes.old_values IS 'The fields that changed, as they were, named as over HTTP. NULL: a new object.';

COMMENT ON COLUMN wallet.changes.new_values IS 'The same fields as they are since.';

-- Two instant changes of the catalogue; the check is not validated, for the rows that are there obey the narrower one before it.
ALTER TABLE wallet.idempotency_keys
ADD COLUMN asset_type_id uuid,
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT idempotency_keys_made_check,
ADD CONSTRAINT idempotency_keys_made_check CHECK (
    num_nonnulls(transaction_id, account_id, asset_type_id) = 1
    AND (transaction_id IS NULL) = (request IS NOT NULL)
    AND (transaction_id IS NULL) = (answer IS NOT NULL)
) NOT VALID;

COMMENT ON COLUMN wallet.idempotency_keys.asset_type_id IS 'The asset type that was made or changed under the key.';

COMMENT ON COLUMN wallet.idempotency_keys.account_id IS 'The account that was made or changed under the key.';

-- The ranges let a search pass over whole blocks, and are right whatever the clock did. Where nobody noted them they are the widest.
ALTER TABLE wallet.transaction_blocks
ADD COLUMN created_min timestamptz DEFAULT '-infinity' NOT NULL,
ADD COLUMN created_max timestamptz DEFAULT 'infinity' NOT NULL,
ADD COLUMN amount_min numeric(18, 4) DEFAULT 0 NOT NULL,
ADD COLUMN amount_max numeric(18, 4) DEFAULT 99999999999999.9999 NOT NULL;

COMMENT ON COLUMN wallet.transaction_blocks.created_min IS 'None of these transactions was made before.';

COMMENT ON COLUMN wallet.transaction_blocks.created_max IS 'None of these transactions was made later.';

COMMENT ON COLUMN wallet.transaction_blocks.amount_min IS 'No amount of these transactions is smaller.';

COMMENT ON COLUMN wallet.transaction_blocks.amount_max IS 'No amount of these transactions is larger.';

-- Reads the transactions once. No transaction says which stripe it was counted under: the range of all stripes is wide enough for each.
DO $$
BEGIN
    UPDATE wallet.transaction_blocks AS b
    SET created_min = r.created_min, created_max = r.created_max, amount_min = r.amount_min, amount_max = r.amount_max
    FROM (
        SELECT
            k.level, n.number >> k.shift AS block, t.asset_type_id, t.type, min(t.created_at) AS created_min,
            max(t.created_at) AS created_max, min(t.amount) AS amount_min, max(t.amount) AS amount_max
        FROM wallet.transactions AS t
        CROSS JOIN LATERAL (
            -- As in wallet.transaction_number, which is younger than this migration on a new database.
            SELECT (
                'x' || left(t.id::text, 8) || substr(t.id::text, 10, 4) || substr(t.id::text, 16, 3)
            )::bit(60)::bigint AS number
        ) AS n
        CROSS JOIN (VALUES (0::smallint, 10), (1::smallint, 20)) AS k (level, shift)
        GROUP BY 1, 2, 3, 4
    ) AS r
    WHERE b.level = r.level AND b.block = r.block AND b.asset_type_id = r.asset_type_id AND b.type = r.type;
END;
$$;

-- No posting changes a column of these two, so the update of a balance still touches no index (HOT).
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX accounts_wallets_idx ON wallet.accounts (asset_type_id, status, created_at, id) WHERE account_type = 'USER';

COMMENT ON INDEX wallet.accounts_wallets_idx IS 'Lists wallets by asset and status, newest first.';

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX accounts_owner_idx ON wallet.accounts (owner_id, created_at, id) WHERE owner_id IS NOT NULL;

COMMENT ON INDEX wallet.accounts_owner_idx IS 'Lists the wallets of an owner.';

-- Of the reference only a hash: it may be longer than an index entry can be. A posting without one pays nothing.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX transactions_reference_idx ON wallet.transactions (hashtextextended(reference_id, 0), id)
WHERE reference_id IS NOT NULL;

COMMENT ON INDEX wallet.transactions_reference_idx IS 'Finds the transactions with a referenceId, newest first.';

-- Routines whose parameters change, or that have another name now.
-- squawk-ignore ban-drop-function
DROP FUNCTION IF EXISTS
wallet.create_account(text, uuid, text, text, text), wallet.check_account_fields(text, uuid, text, text),
wallet.replay_account(text, jsonb), wallet.list_ledger_entries(uuid, bigint, integer);

CREATE TYPE wallet.transaction_filter AS (
    account_id uuid,
    type wallet.transaction_type,
    status wallet.transaction_status,
    reference_id text,
    asset_type_id uuid,
    amount_min numeric,
    amount_max numeric,
    created_from timestamptz,
    created_to timestamptz
);

COMMENT ON TYPE wallet.transaction_filter IS
'What transactions are searched by; a field that is NULL does not filter. created_to itself is not in the range.';
