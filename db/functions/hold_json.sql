-- A hold as the HTTP interface shows it: the fields of a transaction, with PENDING, COMPLETED (captured) or FAILED (voided or expired) as
-- its status, and its own.
CREATE OR REPLACE FUNCTION wallet.hold_json(p_hold wallet.holds, p_at timestamptz)
RETURNS json
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT json_build_object(
        'id', p_hold.id,
        'idempotencyKey', p_hold.idempotency_key,
        'type', 'HOLD',
        'status', CASE s.state WHEN 'ACTIVE' THEN 'PENDING' WHEN 'CAPTURED' THEN 'COMPLETED' ELSE 'FAILED' END,
        'state', s.state,
        'sourceAccountId', p_hold.account_id,
        'destAccountId', wallet.public_account_id(p_hold.dest_account_id),
        'assetTypeId', p_hold.asset_type_id,
        'amount', trim_scale(p_hold.amount),
        'capturedAmount', trim_scale(p_hold.captured),
        'captureId', p_hold.capture_id,
        'expiresAt', wallet.instant_json(p_hold.expires_at),
        'closedAt', wallet.instant_json(CASE s.state WHEN 'EXPIRED' THEN p_hold.expires_at ELSE p_hold.closed_at END),
        'description', p_hold.description,
        'referenceId', p_hold.reference_id,
        'metadata', p_hold.metadata,
        'createdAt', wallet.instant_json(p_hold.created_at),
        'updatedAt', wallet.instant_json(coalesce(CASE s.state WHEN 'EXPIRED' THEN p_hold.expires_at ELSE p_hold.closed_at END, p_hold.created_at)),
        'postedBy', p_hold.posted_by
    )
    FROM (SELECT wallet.hold_state(p_hold.state, p_hold.expires_at, p_at) AS state) AS s
$$;

COMMENT ON FUNCTION wallet.hold_json(wallet.holds, timestamptz) IS
'A hold as JSON, as it is at p_at: the fields of a transaction with type HOLD, and state, capturedAmount, captureId, expiresAt, closedAt.';
