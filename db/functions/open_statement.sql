-- Begins a statement for the service: what it says at its head, and the versions that fix it.
CREATE OR REPLACE FUNCTION wallet.open_statement(
    p_account_id uuid,
    p_from timestamptz,
    p_to timestamptz,
    OUT head json,
    OUT account_ids uuid[],
    OUT lows bigint[],
    OUT highs bigint[],
    OUT opening numeric
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_ends CONSTANT record := wallet.settled_statement_ends(p_account_id, p_from, p_to);
BEGIN
    account_ids := v_ends.account_ids;
    lows := v_ends.lows;
    highs := v_ends.highs;
    opening := v_ends.opening;
    head := format(
        '{"accountId":"%s","assetTypeId":"%s","from":%s,"to":"%s","isFinal":%s,"opening":{"version":%s,"balance":%s},"closing":{"version":%s,"balance":%s}}',
        p_account_id,
        v_ends.asset_type_id,
        coalesce('"' || wallet.instant_json(v_ends.from_at) || '"', 'null'),
        wallet.instant_json(v_ends.to_at),
        CASE WHEN v_ends.is_final THEN 'true' ELSE 'false' END,
        (SELECT sum(l.version) FROM unnest(lows) AS l (version)),
        trim_scale(v_ends.opening),
        (SELECT sum(h.version) FROM unnest(highs) AS h (version)),
        trim_scale(v_ends.closing)
    );
END;
$$;

COMMENT ON FUNCTION wallet.open_statement(uuid, timestamptz, timestamptz) IS
'The head of a statement as JSON {accountId, assetTypeId, from, to, isFinal, opening {version, balance}, closing {version, balance}}, and what wallet.statement_page goes on with. Instants as for wallet.statement. Raises WL001 when p_from is after p_to, WL003 when there is no such account.';

GRANT EXECUTE ON FUNCTION wallet.open_statement(uuid, timestamptz, timestamptz) TO wallet_service;
