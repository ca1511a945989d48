"""How long sessions last: a histogram small enough to keep for each day, and what it says.

Bucket ``n`` holds the whole seconds above 1.05^(n-1) and up to 1.05^n, so that every value is
known to within 2.44 %, and all the merged values of many days are, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

GROWTH = 1.05
# (GROWTH - 1) / (GROWTH + 1), and what rounding to hundredths of a second may add.
RELATIVE_ERROR = 0.025
NO_TIME = "0s"


def bucket_of(seconds: int) -> str:
    """The bucket's name, as it is kept."""
    if seconds <= 0:
        return NO_TIME
    number = math.ceil(math.log(seconds, GROWTH))
    return str(number)


@cache
def seconds_of(bucket: str) -> float:
    """What stands for the values of a bucket: as far from its least as from its greatest one."""
    if bucket == NO_TIME:
        return 0.0
    least = math.floor(GROWTH ** (int(bucket) - 1)) + 1
    greatest = max(least, math.floor(GROWTH ** int(bucket)))
    return round(2 * least * greatest / (least + greatest), 2)


def percentile(numbers: Mapping[float, int], share: float) -> float | None:
    """The smallest value that is not exceeded by ``share`` of all; ``numbers`` counts each value.

    With the values of buckets it is off by ``RELATIVE_ERROR`` at most: putting each value in the
    place of another within that distance moves no rank further than that.
    """
    rank = math.ceil(share * sum(numbers.values()))
    for value in sorted(numbers):
        rank -= numbers[value]
        if rank <= 0:
            return value
    return None
