"""How many files, and so sockets, this process may have open."""

import resource

import structlog

logger = structlog.get_logger(__name__)
# 10,000 chargers on one process, its database connections, and room for those that reconnect
# before their old socket is found to be dead.
WANTED = 16_384


def raise_file_limit() -> int:
    """Raise the soft limit to the hard one; return it, and warn if it is too low for production.

    Every charger is an open file, and the usual soft limit is 1,024: the charger after that is not
    even refused, because its connection cannot be accepted.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < WANTED:
        logger.warning("open_files_are_few", limit=hard, wanted=WANTED, remedy="ulimit -Hn")
    return hard
