-- depends: 0006-accounts
-- Spending limits of wallets, and budgets for what may be issued.

SET LOCAL ROLE wallet_owner;

ALTER TABLE wallet.asset_types ADD COLUMN is_limited boolean DEFAULT FALSE NOT NULL;

COMMENT ON COLUMN wallet.asset_types.is_limited IS
'Whether the asset has a spending limit, a budget or a campaign. FALSE: postings need not look for any.';

-- Empty as long as nothing is limited: then a batch pays one look at an empty index.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX asset_types_limited_idx ON wallet.asset_types (id) WHERE is_limited;

COMMENT ON INDEX wallet.asset_types_limited_idx IS 'Whether any asset is limited.';

CREATE TABLE wallet.spending_limits (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    asset_type_id uuid NOT NULL,
    account_id uuid,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    count_max bigint,
    period_seconds bigint NOT NULL,
    amount_max numeric(18, 4),
    name text NOT NULL,
    CONSTRAINT spending_limits_pkey PRIMARY KEY (id),
    CONSTRAINT spending_limits_name_key UNIQUE NULLS NOT DISTINCT (asset_type_id, account_id, name),
    CONSTRAINT spending_limits_asset_type_fkey FOREIGN KEY (asset_type_id) REFERENCES wallet.asset_types (id),
    CONSTRAINT spending_limits_account_fkey FOREIGN KEY (account_id) REFERENCES wallet.accounts (id),
    CONSTRAINT spending_limits_name_check CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
    -- What was debited longer ago than the longest period is not counted when a wallet gets its first limit.
    CONSTRAINT spending_limits_period_check CHECK (period_seconds BETWEEN 1 AND 31622400),
    CONSTRAINT spending_limits_count_check CHECK (count_max >= 0),
    CONSTRAINT spending_limits_amount_check CHECK (amount_max >= 0 AND amount_max < 100000000000000)
);

COMMENT ON TABLE wallet.spending_limits IS
'How much, and how often, may be debited from a wallet within a period that ends now: one wallet''s own rules, or an asset''s rules for each of its wallets. All that apply must be kept.';

COMMENT ON COLUMN wallet.spending_limits.account_id IS 'The wallet; NULL: each wallet of the asset, on its own.';

COMMENT ON COLUMN wallet.spending_limits.amount_max IS 'The largest sum of debits within the period. NULL: any.';

COMMENT ON COLUMN wallet.spending_limits.count_max IS 'The largest number of debits within the period. NULL: any; both NULL: the rule is lifted.';

COMMENT ON COLUMN wallet.spending_limits.name IS 'Names it in refusals; unique per wallet, and per asset.';

COMMENT ON COLUMN wallet.spending_limits.period_seconds IS 'The length of the period, 1 second to 366 days. A debit counts until it is this old.';

CREATE TABLE wallet.debit_totals (
    account_id uuid NOT NULL,
    at timestamptz NOT NULL,
    version bigint NOT NULL,
    debit_count bigint NOT NULL,
    amount numeric(28, 4) NOT NULL,
    CONSTRAINT debit_totals_pkey PRIMARY KEY (account_id, at),
    CONSTRAINT debit_totals_check CHECK (version >= 0 AND debit_count >= 0 AND amount >= 0 AND amount < 'NaN')
);

COMMENT ON TABLE wallet.debit_totals IS
'Running totals of the debits of limited wallets: what was debited within a period is the difference of two rows. Worked out from the ledger; entries newer than the newest row are added up when they are needed.';

COMMENT ON COLUMN wallet.debit_totals.at IS 'The instant of the entries that were counted last.';

COMMENT ON COLUMN wallet.debit_totals.version IS 'The version of the account up to which its entries are counted.';

COMMENT ON COLUMN wallet.debit_totals.debit_count IS 'How many debits there were; those of refunds are not counted.';

COMMENT ON COLUMN wallet.debit_totals.amount IS 'Their sum.';

CREATE TABLE wallet.budgets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    asset_type_id uuid NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    valid_from timestamptz,
    valid_until timestamptz,
    amount_max numeric(28, 4),
    issued numeric(28, 4) DEFAULT 0 NOT NULL,
    campaign text COLLATE "C" DEFAULT '' NOT NULL,
    CONSTRAINT budgets_pkey PRIMARY KEY (id),
    CONSTRAINT budgets_campaign_key UNIQUE (asset_type_id, campaign),
    CONSTRAINT budgets_asset_type_fkey FOREIGN KEY (asset_type_id) REFERENCES wallet.asset_types (id),
    CONSTRAINT budgets_campaign_check CHECK (campaign ~ '^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$'),
    CONSTRAINT budgets_amount_check CHECK (amount_max >= 0 AND amount_max < 'NaN' AND issued < 'NaN'),
    CONSTRAINT budgets_validity_check CHECK (valid_from < valid_until)
)
-- Each posting that draws on a budget updates its row: room for that in the page.
WITH (fillfactor = 50);

COMMENT ON TABLE wallet.budgets IS
'How much of an asset may be issued: in all, and per campaign that top-ups and bonuses may name. All that apply must be kept.';

COMMENT ON COLUMN wallet.budgets.campaign IS 'The name that postings give; empty: the asset''s own budget, which all that its treasury issues draws on.';

COMMENT ON COLUMN wallet.budgets.amount_max IS 'The most that may be issued. NULL: any.';

COMMENT ON COLUMN wallet.budgets.issued IS
'What has been issued and not come back. Of the asset''s own budget: always what its treasury is below zero.';

COMMENT ON COLUMN wallet.budgets.valid_from IS 'From this instant on the campaign may be named. NULL: from its birth.';

COMMENT ON COLUMN wallet.budgets.valid_until IS 'From this instant on the campaign may not be named any more. NULL: no end.';

COMMENT ON COLUMN wallet.transactions.request IS
'What was asked, field by field, where the other columns do not say it (REFUND, CAPTURE, JOURNAL, CONVERSION, and postings for a campaign): a replay must ask for the same.';

ALTER TYPE wallet.operation ADD ATTRIBUTE campaign text;

COMMENT ON TYPE wallet.operation IS
'One operation for wallet.post_operations. Its type says which fields count: TOP_UP, BONUS (account, asset, amount, campaign), SPEND (account, asset, amount), TRANSFER (also to_account_id), JOURNAL (asset, entries), REFUND (related_id is the transaction), HOLD (account, asset, amount, to_account_id, expires_at), CAPTURE and VOID (related_id is the hold), CONVERSION (account, to_account_id, amount, rate).';

CREATE TYPE wallet.limit_draw AS (
    line integer,
    rule_id uuid,
    account_id uuid,
    is_count boolean,
    amount numeric
);

COMMENT ON TYPE wallet.limit_draw IS
'What a line takes (negative) from a spending limit of a wallet, by amount or by count, or from a budget (account_id NULL), or gives back to it. amount NULL: what the line''s quota gives.';

CREATE TYPE wallet.limit_cell AS (
    rule_id uuid,
    account_id uuid,
    is_count boolean,
    balance numeric,
    floor numeric,
    code text
);

COMMENT ON TYPE wallet.limit_cell IS
'A spending limit of a wallet, or a budget, as the settling loop sees it: the balance must not be taken below the floor (NULL: none), or the line is refused with the code.';

-- The routines that now take other arguments.
-- squawk-ignore ban-drop-function
DROP FUNCTION IF EXISTS
wallet.top_up(uuid, uuid, numeric, text, text, text, jsonb), wallet.bonus(uuid, uuid, numeric, text, text, text, jsonb),
wallet.answer_lines(wallet.posting_line[], text[], uuid[], numeric[]), wallet.refusal_error(text, numeric, numeric);
