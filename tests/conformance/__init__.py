"""`make conformance`: which messages and which numbered cases the tests show, and how they end."""
