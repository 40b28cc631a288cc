"""The operator console: pages of our own inside the admin's shell, and what moves on them."""
