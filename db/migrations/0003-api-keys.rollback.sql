SET LOCAL ROLE wallet_owner;

-- The routines of this release that name what goes; `wallet migrate` of the release before brings its own again.
DROP FUNCTION IF EXISTS wallet.write_postings(
    wallet.posting_line[], bigint[], uuid[], bigint[], bigint[], numeric[], numeric[],
    uuid[], bigint[], bigint[], numeric[], integer, timestamptz, text[]
);

DROP FUNCTION IF EXISTS wallet.post_as(wallet.posting_request[], text[]);

DROP FUNCTION IF EXISTS wallet.create_api_key(text, bytea, text[], uuid[], timestamptz);

DROP FUNCTION IF EXISTS wallet.revoke_api_key(text);

DROP FUNCTION IF EXISTS wallet.find_api_keys(text[]);

DROP FUNCTION IF EXISTS wallet.has_api_keys();

ALTER TABLE wallet.transactions DROP COLUMN IF EXISTS posted_by CASCADE;

DROP TABLE IF EXISTS wallet.api_keys;
