-- What every specification starts from: one asset, two wallets 'a' and 'b' with 100 each, 'a' the one with the
-- lower id. Names instead of ids, so that the output is the same each time.
CREATE SCHEMA race;

CREATE FUNCTION race.asset() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT id FROM wallet.asset_types';

CREATE FUNCTION race.wallet(p_name text) RETURNS uuid LANGUAGE sql STABLE
AS 'SELECT id FROM wallet.accounts WHERE external_id = p_name';

CREATE FUNCTION race.balance(p_name text) RETURNS text LANGUAGE sql STABLE
AS 'SELECT trim_scale(wallet.get_balance(race.wallet(p_name)))::text';

CREATE FUNCTION race.request(p_type text, p_name text, p_amount numeric, p_key text)
RETURNS wallet.posting_request LANGUAGE sql STABLE
AS 'SELECT ROW(p_type, p_key, race.wallet(p_name), race.asset(), p_amount, NULL, NULL, NULL)::wallet.posting_request';

CREATE PROCEDURE race.begin_anew() LANGUAGE plpgsql
AS $$
DECLARE
    v_guard text;
BEGIN
    -- The guards that keep rows for ever are triggers: their function is hollowed out for a moment.
    v_guard := pg_get_functiondef('wallet.refuse_change'::regproc);
    CREATE OR REPLACE FUNCTION wallet.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    EXECUTE (
        SELECT 'TRUNCATE ' || string_agg(format('wallet.%I', t.tablename), ', ')
        FROM pg_tables AS t WHERE t.schemaname = 'wallet' AND t.tablename <> 'releases'
    );
    EXECUTE v_guard;
    PERFORM wallet.create_asset_type('GC', 'Gold Coins');
    PERFORM wallet.create_account('Somebody', race.asset());
    PERFORM wallet.create_account('Somebody', race.asset());
    UPDATE wallet.accounts AS a SET external_id = n.name
    FROM (SELECT w.id, chr(96 + row_number() OVER (ORDER BY w.id)::integer) AS name FROM wallet.accounts AS w WHERE w.account_type = 'USER') AS n
    WHERE a.id = n.id;
    PERFORM wallet.top_up(race.wallet('a'), race.asset(), 100, 'first-a');
    PERFORM wallet.top_up(race.wallet('b'), race.asset(), 100, 'first-b');
END;
$$;
