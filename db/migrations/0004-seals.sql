-- depends: 0003-api-keys
-- Seals, which show tampering afterwards; the clean points of the doctor; a record of what the schema should look like.

SET LOCAL ROLE wallet_owner;

-- The entries of a range of transactions, for seals and the quick doctor. BRIN: entries are written in about the order of their
-- transactions, so one summary for each megabyte is enough, and a posting updates no tree. Building it reads the table once.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ledger_entries_transaction_brin ON wallet.ledger_entries USING brin (transaction_id);

COMMENT ON INDEX wallet.ledger_entries_transaction_brin IS
'Finds the entries of a range of transactions without a look at the others: wallet.seal_range, wallet.verify_seal, the quick doctor.';

CREATE TABLE wallet.seals (
    seal bigint NOT NULL,
    number_from bigint NOT NULL,
    number_to bigint NOT NULL,
    row_count bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    day date NOT NULL,
    encoding smallint NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT seals_pkey PRIMARY KEY (seal),
    CONSTRAINT seals_seal_check CHECK (seal > 0),
    CONSTRAINT seals_numbers_check CHECK (number_from >= 0 AND number_from <= number_to),
    CONSTRAINT seals_sha256_check CHECK (octet_length(sha256) = 32)
);

COMMENT ON TABLE wallet.seals IS
'One row per seal, append-only: a range of posting numbers that ends where the next begins, and a hash over everything in it and over the seal before.';

COMMENT ON COLUMN wallet.seals.seal IS '1, 2, 3, … without a gap.';

COMMENT ON COLUMN wallet.seals.number_from IS 'The first posting number in the range: one more than the last of the seal before, or 0.';

COMMENT ON COLUMN wallet.seals.number_to IS 'The last posting number in the range; nothing up to it was in flight when it was sealed.';

COMMENT ON COLUMN wallet.seals.row_count IS 'How many rows are sealed: transactions, their entries, and the accounts whose first entry is among them.';

COMMENT ON COLUMN wallet.seals.sealed_at IS 'When it was sealed.';

COMMENT ON COLUMN wallet.seals.day IS 'The day, in UTC, up to which postings are sealed. A clock that stepped back may have put some of later days into the range.';

COMMENT ON COLUMN wallet.seals.encoding IS 'How rows were made into bytes: the number of the rules of wallet.sealed_rows.';

COMMENT ON COLUMN wallet.seals.sha256 IS 'SHA-256 over the seal before, this row and its blocks: see wallet.seal_sha256.';

CREATE TABLE wallet.seal_blocks (
    seal bigint NOT NULL,
    block bigint NOT NULL,
    sha256 bytea NOT NULL,
    offsets smallint[] NOT NULL,
    legs smallint[] NOT NULL,
    hints bigint[] NOT NULL,
    CONSTRAINT seal_blocks_pkey PRIMARY KEY (seal, block),
    CONSTRAINT seal_blocks_sha256_check CHECK (octet_length(sha256) = 32)
);

COMMENT ON TABLE wallet.seal_blocks IS
'The parts of a seal, append-only: the rows of a block of 1,024 posting numbers. The three arrays name the rows, one element each, so that a difference can be told by its row.';

COMMENT ON COLUMN wallet.seal_blocks.seal IS 'The seal it is a part of. No foreign key: the seal''s hash needs its blocks first, and wallet.check_seals looks.';

COMMENT ON COLUMN wallet.seal_blocks.sha256 IS 'SHA-256 over the SHA-256 of each row, in order.';

COMMENT ON COLUMN wallet.seal_blocks.offsets IS 'The row''s posting number less the block''s first.';

COMMENT ON COLUMN wallet.seal_blocks.legs IS '0: the transaction. 1 and up: that entry of it. Below 0: the account that began with the entry of that number.';

COMMENT ON COLUMN wallet.seal_blocks.hints IS 'The first 8 bytes of the row''s SHA-256: enough to tell which row differs, when the block''s sha256 says that one does.';

CREATE TABLE wallet.doctor_runs (
    run bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    number bigint NOT NULL,
    checked_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT doctor_runs_pkey PRIMARY KEY (run),
    CONSTRAINT doctor_runs_number_check CHECK (number >= 0)
);

COMMENT ON TABLE wallet.doctor_runs IS 'The full runs of the doctor that found nothing, newest last: where a quick run begins.';

COMMENT ON COLUMN wallet.doctor_runs.run IS 'The order of the runs.';

COMMENT ON COLUMN wallet.doctor_runs.number IS 'The posting number up to which everything had ended and was checked.';

COMMENT ON COLUMN wallet.doctor_runs.checked_at IS 'When it was noted.';

ALTER TABLE wallet.releases ADD COLUMN objects jsonb;

COMMENT ON COLUMN wallet.releases.objects IS
'What wallet.schema_objects() gave when the release was applied: each object of the schema with a hash of its definition. NULL: recorded before this was kept.';

-- The checks take a beginning now, and doctor_checks says which of them do; a routine's parameters and result cannot be changed in place.
-- squawk-ignore ban-drop-function
DROP FUNCTION IF EXISTS
wallet.doctor_checks(), wallet.check_balances(), wallet.check_entry_chains(), wallet.check_versions(),
wallet.check_transactions(), wallet.check_orphans(), wallet.check_assets(), wallet.check_directions(), wallet.check_floors(),
wallet.check_idempotency_keys(), wallet.check_entry_order();
