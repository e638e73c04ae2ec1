-- The state of a hold at an instant: a hold that has run out is EXPIRED, whether that has been booked or not.
CREATE OR REPLACE FUNCTION wallet.hold_state(p_state wallet.hold_state, p_expires_at timestamptz, p_at timestamptz)
RETURNS wallet.hold_state
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE WHEN p_state = 'ACTIVE' AND p_expires_at <= p_at THEN 'EXPIRED'::wallet.hold_state ELSE p_state END;

COMMENT ON FUNCTION wallet.hold_state(wallet.hold_state, timestamptz, timestamptz) IS
'What a hold that is kept with this state and end is at p_at.';
