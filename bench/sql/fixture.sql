-- What the scripts of the bench need beside the wallet.

CREATE SCHEMA bench;

GRANT USAGE ON SCHEMA bench TO public;

-- The same as wallet_id of bench/traffic.py.
CREATE FUNCTION bench.wallet_id(p_number bigint)
RETURNS uuid
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (lpad(to_hex(p_number * 2654435761 % 4294967296), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(p_number), 12, '0'))::uuid;

-- Numbers the batches, so that each has keys of its own.
CREATE SEQUENCE bench.batches;

GRANT USAGE ON SEQUENCE bench.batches TO public;
