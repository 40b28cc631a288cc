"""`make conformance`: which messages and which difficult cases the tests show, and how they end."""
