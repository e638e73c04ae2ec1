-- depends: 0001-schema-and-roles
-- The ledger: asset types, accounts, transactions, ledger entries, idempotency keys, and what lists need to stay fast.

SET LOCAL ROLE wallet_owner;

CREATE TYPE wallet.account_type AS ENUM ('USER', 'TREASURY', 'REVENUE');

COMMENT ON TYPE wallet.account_type IS
'USER: a wallet. TREASURY: issues the asset, may go below zero. REVENUE: takes what is spent. The last two are system accounts, one of each per asset.';

CREATE TYPE wallet.transaction_type AS ENUM ('TOP_UP', 'BONUS', 'SPEND');

COMMENT ON TYPE wallet.transaction_type IS
'TOP_UP and BONUS: treasury to wallet. SPEND: wallet to revenue.';

CREATE TYPE wallet.transaction_status AS ENUM ('PENDING', 'COMPLETED', 'FAILED');

COMMENT ON TYPE wallet.transaction_status IS
'A posting is COMPLETED from the moment it exists; a refused one leaves no row.';

CREATE TYPE wallet.entry_type AS ENUM ('DEBIT', 'CREDIT');

COMMENT ON TYPE wallet.entry_type IS
'DEBIT takes the amount from the account''s balance, CREDIT adds it.';

CREATE TABLE wallet.asset_types (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    symbol text NOT NULL,
    name text NOT NULL,
    description text,
    decimals smallint DEFAULT 4 NOT NULL,
    stripe_count smallint DEFAULT 1 NOT NULL,
    is_active boolean DEFAULT TRUE NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT asset_types_pkey PRIMARY KEY (id),
    CONSTRAINT asset_types_symbol_key UNIQUE (symbol),
    CONSTRAINT asset_types_id_decimals_key UNIQUE (id, decimals),
    CONSTRAINT asset_types_symbol_check CHECK (symbol ~ '^[A-Z][A-Z0-9]{0,15}$'),
    CONSTRAINT asset_types_name_check CHECK (length(name) BETWEEN 1 AND 255),
    CONSTRAINT asset_types_decimals_check CHECK (decimals BETWEEN 0 AND 4),
    CONSTRAINT asset_types_stripe_count_check CHECK (stripe_count BETWEEN 1 AND 256)
);

COMMENT ON TABLE wallet.asset_types IS 'The virtual currencies: coins, credits, points.';

COMMENT ON COLUMN wallet.asset_types.symbol IS 'Short name, A-Z and 0-9, unique; part of the system accounts'' external ids.';

COMMENT ON COLUMN wallet.asset_types.decimals IS 'Digits after the point an amount may have, 0 to 4; fixed at birth.';

COMMENT ON COLUMN wallet.asset_types.stripe_count IS
'In how many rows each system account of the asset is kept, so that postings need not queue for one. Raised by wallet.set_stripes.';

COMMENT ON COLUMN wallet.asset_types.is_active IS 'FALSE: nothing new is posted in this asset (asset_inactive).';

CREATE TABLE wallet.accounts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    asset_type_id uuid NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    account_type wallet.account_type DEFAULT 'USER' NOT NULL,
    asset_decimals smallint NOT NULL,
    stripe smallint DEFAULT 0 NOT NULL,
    balance numeric(28, 4) DEFAULT 0 NOT NULL,
    balance_min numeric(28, 4) DEFAULT 0,
    external_id text,
    name text NOT NULL,
    email text,
    CONSTRAINT accounts_pkey PRIMARY KEY (id),
    CONSTRAINT accounts_external_id_key UNIQUE (external_id),
    CONSTRAINT accounts_asset_type_fkey FOREIGN KEY (asset_type_id, asset_decimals) REFERENCES wallet.asset_types (id, decimals),
    CONSTRAINT accounts_version_check CHECK (version >= 0),
    CONSTRAINT accounts_stripe_check CHECK (stripe BETWEEN 0 AND 255 AND (stripe = 0 OR account_type <> 'USER')),
    -- Also keeps every posting inside the asset's decimals: an amount with more would show here.
    CONSTRAINT accounts_balance_decimals_check CHECK (balance = round(balance, asset_decimals)),
    CONSTRAINT accounts_balance_min_check CHECK (balance >= balance_min AND balance < 'NaN'),
    CONSTRAINT accounts_external_id_check CHECK (length(external_id) BETWEEN 1 AND 255),
    CONSTRAINT accounts_name_check CHECK (length(name) BETWEEN 1 AND 255),
    CONSTRAINT accounts_email_check CHECK (length(email) BETWEEN 3 AND 320)
)
-- Room in each page, so that the update of a balance stays in it and touches no index (HOT).
WITH (fillfactor = 70);

COMMENT ON TABLE wallet.accounts IS 'Wallets and system accounts: one asset each, with the balance and the count of its entries.';

COMMENT ON COLUMN wallet.accounts.id IS
'Random for wallets. A system account''s id is a UUID of version 8 that ends in 00; its further stripes have the same id with their number in this last byte, and are not shown outside.';

COMMENT ON COLUMN wallet.accounts.stripe IS
'0 for wallets. A system account may be kept in several rows, its stripes: balance and version of the account are the sums over them.';

COMMENT ON COLUMN wallet.accounts.version IS
'How many ledger entries the account has; each entry stores the version it made. The optimistic check, the order of the entries and the total of their list.';

COMMENT ON COLUMN wallet.accounts.updated_at IS
'When the account was last posted to or changed. Never steps back, so an account''s entries are in order by it too.';

COMMENT ON COLUMN wallet.accounts.asset_decimals IS 'Copy of the asset''s decimals, kept right by the foreign key, so that a CHECK can hold the balance to them.';

COMMENT ON COLUMN wallet.accounts.balance IS 'Credits less debits of all entries; always the balance_after of the newest.';

COMMENT ON COLUMN wallet.accounts.balance_min IS 'The floor: no posting takes the balance below it. NULL: no floor (treasuries).';

COMMENT ON COLUMN wallet.accounts.external_id IS 'The caller''s own name for the account, unique, 1 to 255 characters.';

-- Finds an asset's system accounts, and lets there be one of each.
CREATE UNIQUE INDEX accounts_system_key ON wallet.accounts (asset_type_id, account_type, stripe)
WHERE account_type <> 'USER';

COMMENT ON INDEX wallet.accounts_system_key IS 'One treasury and one revenue account per asset and stripe; the way to find them.';

-- No foreign keys on the posting path: the posting routine holds locks on the very rows they would look up, and those rows are never
-- deleted (a trigger and the rights see to it). bench/sql/posting_cost.sql shows what they would cost.
-- wallet.doctor() looks for orphans.
CREATE TABLE wallet.transactions (
    id uuid NOT NULL,
    source_account_id uuid NOT NULL,
    dest_account_id uuid NOT NULL,
    asset_type_id uuid NOT NULL,
    source_version bigint NOT NULL,
    dest_version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    type wallet.transaction_type NOT NULL,
    status wallet.transaction_status DEFAULT 'COMPLETED' NOT NULL,
    amount numeric(18, 4) NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    reference_id text,
    description text,
    metadata jsonb,
    CONSTRAINT transactions_pkey PRIMARY KEY (id),
    -- The upper bound also shuts out NaN, which PostgreSQL sorts above every number.
    CONSTRAINT transactions_amount_check CHECK (amount > 0 AND amount < 100000000000000),
    CONSTRAINT transactions_accounts_check CHECK (source_account_id <> dest_account_id),
    CONSTRAINT transactions_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

COMMENT ON TABLE wallet.transactions IS
'What happened: one row per posting, append-only. Its entries are (source_account_id, source_version) and (dest_account_id, dest_version).';

COMMENT ON COLUMN wallet.transactions.id IS
'A UUID of version 8 (RFC 9562) that starts with the posting''s number from wallet.transaction_numbers: ordered by id is newest last, with no second index.';

COMMENT ON COLUMN wallet.transactions.source_account_id IS 'The account that was debited.';

COMMENT ON COLUMN wallet.transactions.dest_account_id IS 'The account that was credited.';

COMMENT ON COLUMN wallet.transactions.source_version IS 'Version of the debit entry on the source account.';

COMMENT ON COLUMN wallet.transactions.dest_version IS 'Version of the credit entry on the destination account.';

COMMENT ON COLUMN wallet.transactions.idempotency_key IS 'The key it was posted under; uniqueness is kept by wallet.idempotency_keys.';

CREATE SEQUENCE wallet.transaction_numbers AS bigint;

COMMENT ON SEQUENCE wallet.transaction_numbers IS
'Numbers of postings, drawn under the account locks. A posting that rolls back leaves a gap; nothing depends on there being none.';

CREATE TABLE wallet.ledger_entries (
    account_id uuid NOT NULL,
    transaction_id uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    entry_type wallet.entry_type NOT NULL,
    leg smallint NOT NULL,
    amount numeric(18, 4) NOT NULL,
    balance_after numeric(28, 4) NOT NULL,
    CONSTRAINT ledger_entries_pkey PRIMARY KEY (account_id, version),
    CONSTRAINT ledger_entries_version_check CHECK (version > 0),
    CONSTRAINT ledger_entries_leg_check CHECK (leg BETWEEN 1 AND 255),
    CONSTRAINT ledger_entries_amount_check CHECK (amount > 0 AND amount < 100000000000000),
    CONSTRAINT ledger_entries_balance_after_check CHECK (balance_after < 'NaN')
);

COMMENT ON TABLE wallet.ledger_entries IS
'The ledger: every debit and credit, append-only, in order of version per account with the balance each one left.';

COMMENT ON COLUMN wallet.ledger_entries.version IS 'Place of the entry in its account''s history: 1, 2, 3, … without a gap.';

COMMENT ON COLUMN wallet.ledger_entries.leg IS 'Place of the entry in its transaction; the last two hex digits of the entry''s public id.';

COMMENT ON COLUMN wallet.ledger_entries.balance_after IS 'The account''s balance once this entry was made.';

CREATE TABLE wallet.idempotency_keys (
    key text COLLATE "C" NOT NULL,
    transaction_id uuid,
    account_id uuid,
    request jsonb,
    answer json,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key),
    CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_made_check CHECK (
        num_nonnulls(transaction_id, account_id) = 1
        AND (account_id IS NULL) = (request IS NULL)
        AND (account_id IS NULL) = (answer IS NULL)
    )
);

COMMENT ON TABLE wallet.idempotency_keys IS
'One row per key that made something. A refused request keeps no row. A posting''s request is its transaction row; for other requests it is kept here.';

COMMENT ON COLUMN wallet.idempotency_keys.request IS 'What was asked, field by field, for everything that is not a posting.';

COMMENT ON COLUMN wallet.idempotency_keys.answer IS 'The first answer, given again to a replay, for everything that is not a posting.';

CREATE TABLE wallet.transaction_blocks (
    level smallint NOT NULL,
    block bigint NOT NULL,
    asset_type_id uuid NOT NULL,
    type wallet.transaction_type NOT NULL,
    status wallet.transaction_status NOT NULL,
    stripe smallint NOT NULL,
    transaction_count bigint NOT NULL,
    CONSTRAINT transaction_blocks_pkey PRIMARY KEY (level, block, asset_type_id, type, status, stripe),
    CONSTRAINT transaction_blocks_level_check CHECK (level IN (0, 1)),
    CONSTRAINT transaction_blocks_count_check CHECK (transaction_count > 0)
)
WITH (fillfactor = 50);

COMMENT ON TABLE wallet.transaction_blocks IS
'How many transactions of each kind have their number in a block of 1,024 (level 0) or of 1,048,576 (level 1) numbers. Makes the totals and the deep pages of GET /transactions cheap and exact. Kept per stripe, so that it is no queue of its own.';

CREATE TABLE wallet.posting_gate (
    is_never_filled boolean NOT NULL,
    CONSTRAINT posting_gate_check CHECK (FALSE) NO INHERIT
);

COMMENT ON TABLE wallet.posting_gate IS
'Always empty; locked only. The service takes it in EXCLUSIVE mode before its SERIALIZABLE snapshot, wallet.post in ROW EXCLUSIVE mode, so the two never conflict over a snapshot.';

CREATE TABLE wallet.releases (
    release bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    migrations text[] NOT NULL,
    functions_sha256 text NOT NULL,
    applied_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT releases_pkey PRIMARY KEY (release)
);

COMMENT ON TABLE wallet.releases IS 'What wallet migrate applied, newest last: the migrations'' names and a fingerprint of the routines.';

CREATE TYPE wallet.posting_request AS (
    type text,
    idempotency_key text,
    account_id uuid,
    asset_type_id uuid,
    amount numeric,
    reference_id text,
    description text,
    metadata jsonb
);

COMMENT ON TYPE wallet.posting_request IS 'One request to wallet.post: type TOP_UP, BONUS or SPEND, the key, the wallet, the asset, the amount; the rest may be NULL.';

CREATE TYPE wallet.posting_line AS (
    ordinal integer,
    type text,
    idempotency_key text,
    account_id uuid,
    source_account_id uuid,
    dest_account_id uuid,
    asset_type_id uuid,
    amount numeric,
    reference_id text,
    description text,
    metadata jsonb,
    stripe smallint,
    code text
);

COMMENT ON TYPE wallet.posting_line IS
'A request on its way through wallet.post: resolved to its two accounts and the stripe of the system account, or refused with a code.';

CREATE TYPE wallet.posting_answer AS (
    ordinal integer,
    outcome text,
    transaction_id uuid,
    code text,
    error text,
    details jsonb
);

COMMENT ON TYPE wallet.posting_answer IS
'One answer of wallet.post: outcome POSTED, REPLAYED (the key had made this very transaction) or REFUSED (code, error and details say why).';

CREATE TYPE wallet.keyed_answer AS (
    replayed boolean,
    answer json
);

COMMENT ON TYPE wallet.keyed_answer IS 'What a keyed function made (answer), and whether the key had made it before (replayed).';

GRANT UPDATE ON wallet.posting_gate TO wallet_service;
