-- depends: 0004-seals
-- Transfers, journals, refunds, holds and conversions: what a transaction may say besides a top-up, a bonus or a spend.

-- Only routines that nobody is granted are dropped; the constraint is replaced; older clients ask for transactions of their own kinds,
-- which have both accounts.
-- squawk-ignore-file ban-drop-function, ban-drop-constraint, ban-drop-not-null

SET LOCAL ROLE wallet_owner;

ALTER TYPE wallet.transaction_type ADD VALUE IF NOT EXISTS 'TRANSFER' AFTER 'SPEND';
ALTER TYPE wallet.transaction_type ADD VALUE IF NOT EXISTS 'JOURNAL' AFTER 'TRANSFER';
ALTER TYPE wallet.transaction_type ADD VALUE IF NOT EXISTS 'REFUND' AFTER 'JOURNAL';
ALTER TYPE wallet.transaction_type ADD VALUE IF NOT EXISTS 'CAPTURE' AFTER 'REFUND';
ALTER TYPE wallet.transaction_type ADD VALUE IF NOT EXISTS 'CONVERSION' AFTER 'CAPTURE';

COMMENT ON TYPE wallet.transaction_type IS
'TOP_UP and BONUS: treasury to wallet. SPEND: wallet to revenue. TRANSFER: wallet to wallet. JOURNAL: several debits and credits. REFUND: an earlier transaction, or part of it, the other way round. CAPTURE: a held amount, or part of it, to where the hold says. CONVERSION: a wallet of one asset to a wallet of another.';

ALTER TYPE wallet.account_type ADD VALUE IF NOT EXISTS 'CONVERSION' AFTER 'REVENUE';

COMMENT ON TYPE wallet.account_type IS
'USER: a wallet. TREASURY: issues the asset, may go below zero. REVENUE: takes what is spent. CONVERSION: stands between two assets, may go below zero. All but wallets are system accounts, one of each per asset.';

CREATE TYPE wallet.account_status AS ENUM ('ACTIVE', 'FROZEN', 'CLOSED');

COMMENT ON TYPE wallet.account_status IS
'ACTIVE: all is allowed. FROZEN: no debits, and credits only where credits_allowed says so. CLOSED: nothing is; the balance is zero.';

ALTER TABLE wallet.accounts
ADD COLUMN held numeric(28, 4) DEFAULT 0 NOT NULL,
ADD COLUMN balance_max numeric(28, 4),
ADD COLUMN debt_max numeric(28, 4) DEFAULT 0 NOT NULL,
ADD COLUMN status wallet.account_status DEFAULT 'ACTIVE' NOT NULL,
ADD COLUMN credits_allowed boolean DEFAULT TRUE NOT NULL,
ADD COLUMN owner_id text,
ADD CONSTRAINT accounts_held_check CHECK (held >= 0 AND held < 'NaN') NOT VALID,
ADD CONSTRAINT accounts_debt_max_check CHECK (debt_max >= 0 AND debt_max < 'NaN') NOT VALID,
ADD CONSTRAINT accounts_balance_max_check CHECK (balance_max >= 0 AND balance_max < 'NaN') NOT VALID,
ADD CONSTRAINT accounts_owner_id_check CHECK (length(owner_id) BETWEEN 1 AND 255) NOT VALID,
DROP CONSTRAINT accounts_balance_min_check,
-- A clawback may take a wallet below its floor, down to its debt limit, and no further.
ADD CONSTRAINT accounts_balance_min_check CHECK (balance >= balance_min - debt_max AND balance < 'NaN') NOT VALID;

COMMENT ON COLUMN wallet.accounts.held IS 'Sum of the account''s open holds, those included that have run out but are not booked as EXPIRED yet.';

COMMENT ON COLUMN wallet.accounts.balance_max IS 'The ceiling: no credit takes the balance above it. NULL: no ceiling.';

COMMENT ON COLUMN wallet.accounts.debt_max IS 'How far below the floor a refund with onShortfall debt may take the balance.';

COMMENT ON COLUMN wallet.accounts.status IS 'Whether debits and credits are allowed.';

COMMENT ON COLUMN wallet.accounts.credits_allowed IS 'Whether a FROZEN account takes credits.';

COMMENT ON COLUMN wallet.accounts.owner_id IS 'The caller''s name for whom the wallet belongs to; groups one person''s wallets. 1 to 255 characters.';

ALTER TABLE wallet.transactions
ADD COLUMN related_id uuid,
ADD COLUMN request jsonb,
ADD COLUMN leg_account_ids uuid[],
ADD COLUMN leg_versions bigint[],
ALTER COLUMN source_account_id DROP NOT NULL,
ALTER COLUMN dest_account_id DROP NOT NULL,
ALTER COLUMN source_version DROP NOT NULL,
ALTER COLUMN dest_version DROP NOT NULL,
ADD CONSTRAINT transactions_legs_check CHECK (
    (leg_account_ids IS NULL) = (source_account_id IS NOT NULL AND dest_account_id IS NOT NULL AND source_version IS NOT NULL AND dest_version IS NOT NULL)
    AND cardinality(leg_account_ids) IS NOT DISTINCT FROM cardinality(leg_versions)
) NOT VALID;

COMMENT ON COLUMN wallet.transactions.related_id IS 'REFUND: the transaction given back. CAPTURE: the hold. NULL for the others.';

COMMENT ON COLUMN wallet.transactions.request IS
'What was asked, field by field, where the other columns do not say it (REFUND, CAPTURE, JOURNAL, CONVERSION): a replay must ask for the same.';

COMMENT ON COLUMN wallet.transactions.leg_account_ids IS
'JOURNAL and CONVERSION: the accounts of the entries in order of leg. NULL where source and destination say it.';

COMMENT ON COLUMN wallet.transactions.leg_versions IS 'The versions of the entries on leg_account_ids.';

CREATE TABLE wallet.refund_totals (
    transaction_id uuid NOT NULL,
    amount numeric(18, 4) NOT NULL,
    refunded numeric(18, 4) NOT NULL,
    CONSTRAINT refund_totals_pkey PRIMARY KEY (transaction_id),
    CONSTRAINT refund_totals_check CHECK (refunded > 0 AND refunded <= amount AND amount < 'NaN')
);

COMMENT ON TABLE wallet.refund_totals IS 'How much of a transaction has been refunded; no row: nothing. Never more than its amount.';

COMMENT ON COLUMN wallet.refund_totals.transaction_id IS 'The transaction that was refunded.';

COMMENT ON COLUMN wallet.refund_totals.amount IS 'Its amount.';

COMMENT ON COLUMN wallet.refund_totals.refunded IS 'Sum of its refunds.';

CREATE TYPE wallet.hold_state AS ENUM ('ACTIVE', 'CAPTURED', 'VOIDED', 'EXPIRED');

COMMENT ON TYPE wallet.hold_state IS
'ACTIVE: the amount is reserved until expires_at. CAPTURED, VOIDED, EXPIRED: closed, nothing is reserved any more.';

CREATE TABLE wallet.holds (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    dest_account_id uuid NOT NULL,
    asset_type_id uuid NOT NULL,
    capture_id uuid,
    void_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    closed_at timestamptz,
    state wallet.hold_state DEFAULT 'ACTIVE' NOT NULL,
    stripe smallint NOT NULL,
    amount numeric(18, 4) NOT NULL,
    captured numeric(18, 4) DEFAULT 0 NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    void_key text COLLATE "C",
    void_request jsonb,
    reference_id text,
    description text,
    posted_by text COLLATE "C",
    metadata jsonb,
    request jsonb NOT NULL,
    CONSTRAINT holds_pkey PRIMARY KEY (id),
    CONSTRAINT holds_amount_check CHECK (amount > 0 AND amount < 100000000000000),
    CONSTRAINT holds_captured_check CHECK (captured >= 0 AND captured <= amount),
    CONSTRAINT holds_expires_at_check CHECK (expires_at > created_at),
    CONSTRAINT holds_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT holds_state_check CHECK (
        (state = 'ACTIVE') = (closed_at IS NULL)
        AND (state = 'CAPTURED') = (captured > 0)
        AND (state = 'CAPTURED') = (capture_id IS NOT NULL)
        AND (state = 'VOIDED') = (void_id IS NOT NULL)
        AND (state = 'VOIDED') = (void_key IS NOT NULL)
    )
);

COMMENT ON TABLE wallet.holds IS
'Amounts reserved on wallets: spendable by nobody until captured, voided or run out. An ACTIVE hold whose expires_at has passed holds nothing; it is booked as EXPIRED by the next posting on its wallet.';

COMMENT ON COLUMN wallet.holds.id IS 'Drawn like the id of a transaction, and never that of one.';

COMMENT ON COLUMN wallet.holds.dest_account_id IS 'The account that a capture credits.';

COMMENT ON COLUMN wallet.holds.capture_id IS 'The CAPTURE transaction.';

COMMENT ON COLUMN wallet.holds.void_id IS 'Drawn for the void''s idempotency key.';

COMMENT ON COLUMN wallet.holds.expires_at IS 'From this instant on nothing is reserved.';

COMMENT ON COLUMN wallet.holds.closed_at IS 'When it was captured or voided, or when it ran out.';

COMMENT ON COLUMN wallet.holds.captured IS 'How much of it was captured; the rest was released.';

COMMENT ON COLUMN wallet.holds.request IS 'What was asked, field by field: a replay must ask for the same.';

COMMENT ON COLUMN wallet.holds.idempotency_key IS 'The key it was made under.';

COMMENT ON COLUMN wallet.holds.posted_by IS 'Who made it, as in wallet.transactions.';

COMMENT ON COLUMN wallet.holds.state IS 'What is booked; see wallet.hold_state() for what is true.';

COMMENT ON COLUMN wallet.holds.stripe IS 'The stripe that its capture is counted under.';

COMMENT ON COLUMN wallet.holds.void_key IS 'The idempotency key of the void.';

COMMENT ON COLUMN wallet.holds.void_request IS 'What the void asked, field by field.';

CREATE INDEX holds_account_id_id_idx ON wallet.holds (account_id, id);

COMMENT ON INDEX wallet.holds_account_id_id_idx IS 'Lists a wallet''s holds.';

CREATE INDEX holds_open_idx ON wallet.holds (account_id, expires_at) WHERE closed_at IS NULL;

COMMENT ON INDEX wallet.holds_open_idx IS 'What is reserved on a wallet.';

CREATE INDEX holds_id_open_idx ON wallet.holds (id) WHERE closed_at IS NULL;

COMMENT ON INDEX wallet.holds_id_open_idx IS 'Lists the pending holds.';

CREATE UNIQUE INDEX holds_void_id_key ON wallet.holds (void_id) WHERE void_id IS NOT NULL;

COMMENT ON INDEX wallet.holds_void_id_key IS 'Finds the hold that a void''s idempotency key stands for.';

CREATE TYPE wallet.operation AS (
    type text,
    idempotency_key text,
    account_id uuid,
    asset_type_id uuid,
    amount numeric,
    reference_id text,
    description text,
    metadata jsonb,
    to_account_id uuid,
    related_id uuid,
    entries jsonb,
    expires_at timestamptz,
    on_shortfall text,
    rate numeric
);

COMMENT ON TYPE wallet.operation IS
'One operation for wallet.post_operations. Its type says which fields count: TOP_UP, BONUS, SPEND (account, asset, amount), TRANSFER (also to_account_id), JOURNAL (asset, entries), REFUND (related_id is the transaction), HOLD (account, asset, amount, to_account_id, expires_at), CAPTURE and VOID (related_id is the hold), CONVERSION (account, to_account_id, amount, rate).';

ALTER TYPE wallet.posting_line
ADD ATTRIBUTE related_id uuid,
ADD ATTRIBUTE request jsonb,
ADD ATTRIBUTE leg_account_ids uuid[],
ADD ATTRIBUTE leg_amounts numeric[],
ADD ATTRIBUTE reserve numeric,
ADD ATTRIBUTE quota_id uuid,
ADD ATTRIBUTE draw numeric,
ADD ATTRIBUTE expires_at timestamptz,
ADD ATTRIBUTE may_owe boolean;

COMMENT ON TYPE wallet.posting_line IS
'An operation on its way through the posting core: resolved to its accounts and the stripe it is counted under, or refused with a code. Its legs: source and destination, or leg_account_ids with leg_amounts; reserve: what is freed on the source account (negative: held); draw: what it takes from the quota quota_id (NULL: all that is left, which is then the amount).';

-- The routines of the posting core that now take other arguments.
DROP FUNCTION IF EXISTS wallet.post_as(wallet.posting_request[], text[]);
DROP FUNCTION IF EXISTS wallet.post_one(wallet.posting_request);
DROP FUNCTION IF EXISTS wallet.resolve_requests(wallet.posting_request[]);
DROP FUNCTION IF EXISTS wallet.lock_accounts(uuid[]);
DROP FUNCTION IF EXISTS wallet.settle_lines(
    numeric[], integer[], integer[], numeric[], integer[], text[], numeric[], bigint[], bigint[], uuid[]
);
DROP FUNCTION IF EXISTS wallet.write_postings(
    wallet.posting_line[], bigint[], uuid[], bigint[], bigint[], numeric[], numeric[],
    uuid[], bigint[], bigint[], numeric[], integer, timestamptz, text[]
);
DROP FUNCTION IF EXISTS wallet.request_refusal(
    text, text, uuid, uuid, numeric, integer, jsonb, wallet.account_type, uuid, smallint, boolean
);
DROP FUNCTION IF EXISTS wallet.transaction_json(wallet.transactions);
DROP FUNCTION IF EXISTS wallet.line_problems(text, uuid, uuid, text, text, jsonb);
DROP FUNCTION IF EXISTS wallet.trial_balance();
