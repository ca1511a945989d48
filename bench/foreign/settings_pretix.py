"""pretix as it comes, a shop for tickets."""

from pretix.settings import *  # noqa: F403
