"""Examples of the drivers' operations, shared by several of them."""

from typing import Any

from accounts.api.personal_examples import CONSENT

VERIFICATION_ID = "5b1f0f4e-2c61-4a52-9d6e-3f1c8a2b7d10"
DEVICE_ID = "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f0e"
PASSWORD = "correct-horse-battery"  # noqa: S105
VERIFICATION: dict[str, Any] = {
    "verification_id": VERIFICATION_ID,
    "channel": "SMS",
    "sent_to": "•••5678",
    "expires_at": "2026-11-30T05:05:00Z",
    "resend_after_seconds": 60,
}
PROFILE: dict[str, Any] = {
    "id": 42,
    "email": "somchai@example.com",
    "phone": "+66812345678",
    "email_verified": True,
    "phone_verified": True,
    "display_name": "Somchai",
    "language": "th",
    "has_password": True,
    "created_at": "2026-11-01T03:00:00Z",
}
OWN_PROFILE: dict[str, Any] = {**PROFILE, "consents": [CONSENT]}
TOKENS: dict[str, Any] = {
    "access": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…",
    "refresh": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…",
    "token_type": "Bearer",
    "expires_in": 600,
    "expires_at": "2026-11-30T05:10:00Z",
    "refresh_expires_at": "2026-12-30T05:00:00Z",
}
SIGNED_IN: dict[str, Any] = {**TOKENS, "user": PROFILE}
DEVICE: dict[str, Any] = {
    "id": DEVICE_ID,
    "device_name": "Somchai's phone",
    "user_agent": "CSMS-App/2.1 (Android 16)",
    "address": "2001:db8:7::1",
    "created_at": "2026-11-30T05:00:00Z",
    "last_used_at": "2026-11-30T05:00:00Z",
    "expires_at": "2026-12-30T05:00:00Z",
    "is_current": True,
}
IDENTITY: dict[str, Any] = {
    "id": 12,
    "provider": "line",
    "created_at": "2026-11-01T03:00:00Z",
    "last_used_at": "2026-11-30T05:00:00Z",
}
