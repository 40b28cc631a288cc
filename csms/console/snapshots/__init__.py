"""The whole state of a live page as one JSON-ready value, free of any language."""
