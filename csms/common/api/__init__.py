"""What every REST endpoint shares: errors, pages, limits, JSON, access and the OpenAPI schema."""

# What a caller who is not signed in is told to bring (WWW-Authenticate).
CHALLENGE = 'Bearer realm="api"'
