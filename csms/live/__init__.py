"""Live feeds for apps: what changes while somebody watches, over WebSockets with one-time tickets.

Nothing here is truth: every feed is read from the rows, and who reconnects gets what is there.
"""
