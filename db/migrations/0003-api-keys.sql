-- depends: 0002-ledger
-- Who posted what: API keys for callers over HTTP, and their mark, or the login's, on every transaction.

SET LOCAL ROLE wallet_owner;

CREATE TABLE wallet.api_keys (
    id text COLLATE "C" DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 12) NOT NULL,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    asset_type_ids uuid[],
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    created_by text NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_id_check CHECK (id ~ '^[0-9a-f]{12}$'),
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 255),
    CONSTRAINT api_keys_secret_check CHECK (length(secret_sha256) = 32),
    CONSTRAINT api_keys_scopes_check CHECK (cardinality(scopes) BETWEEN 1 AND 100 AND array_position(scopes, NULL) IS NULL),
    CONSTRAINT api_keys_asset_types_check CHECK (
        cardinality(asset_type_ids) BETWEEN 1 AND 1000 AND array_position(asset_type_ids, NULL) IS NULL
    )
);

COMMENT ON TABLE wallet.api_keys IS
'Who may call the HTTP interface, and what for. A key is never removed, because transactions name it; it expires or is revoked.';

COMMENT ON COLUMN wallet.api_keys.id IS 'The public part of the key: 12 random hex digits.';

COMMENT ON COLUMN wallet.api_keys.name IS 'What the key is for, in the words of whoever made it.';

COMMENT ON COLUMN wallet.api_keys.secret_sha256 IS
'SHA-256 of the secret part. The secret is 256 random bits, which no one can guess, so a slow hash would protect nothing more.';

COMMENT ON COLUMN wallet.api_keys.scopes IS 'What the key may do, as the service names it: read, post:spend, admin, …';

COMMENT ON COLUMN wallet.api_keys.asset_type_ids IS 'The only asset types the key reaches. NULL: all of them, also later ones.';

COMMENT ON COLUMN wallet.api_keys.created_by IS 'The login that made the key.';

COMMENT ON COLUMN wallet.api_keys.expires_at IS 'From this instant on the key is refused. NULL: never by itself.';

COMMENT ON COLUMN wallet.api_keys.revoked_at IS 'When the key was revoked. NULL: it was not.';

-- Every new table is shown to the auditor; of this one everything but the hashes.
REVOKE SELECT ON wallet.api_keys FROM wallet_auditor;

GRANT SELECT (id, name, scopes, asset_type_ids, created_at, created_by, expires_at, revoked_at)
ON wallet.api_keys TO wallet_auditor;

-- Nullable and without a default: an instant change of the catalogue. The check is not validated, for that would read the whole table
-- under the lock, and the rows that are there already have NULL.
ALTER TABLE wallet.transactions
ADD COLUMN posted_by text COLLATE "C",
ADD CONSTRAINT transactions_posted_by_check CHECK (length(posted_by) BETWEEN 1 AND 255) NOT VALID;

COMMENT ON COLUMN wallet.transactions.posted_by IS
'key:<id of the API key> for what came over HTTP with one, else role:<login to the database>. NULL: posted before this was kept.';
