"""Signing in with an account that is held elsewhere (OpenID Connect Core 1.0)."""
