"""Signatures of deliveries, in the form of Standard Webhooks (standardwebhooks.com)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def signature_headers(secrets: Sequence[bytes], message_id: str, timestamp_seconds: int, body: bytes) -> dict[str, str]:
    """The three headers by which a receiver knows the sender and finds repetitions.

    Args:
        secrets: the keys to sign with; two while one takes the place of the other.
        message_id: the same in each attempt.
        timestamp_seconds: of this attempt, since 1970.
        body: as it is sent.
    """
    signed = f"{message_id}.{timestamp_seconds}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
