"""What the histogram of durations promises."""

from collections import Counter
from itertools import chain
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from users.analytics.counting import Counts
from users.analytics.durations import RELATIVE_ERROR, bucket_of, percentile, seconds_of

DAYS_OF_SECONDS = 40 * 86_400
durations = st.integers(0, DAYS_OF_SECONDS)


@given(seconds=durations)
@example(seconds=1)
@example(seconds=DAYS_OF_SECONDS)
def test_a_bucket_stands_for_its_values_to_within_the_documented_error(seconds):
    assert abs(seconds_of(bucket_of(seconds)) - seconds) <= RELATIVE_ERROR * seconds


@pytest.mark.parametrize("seconds", [-5, 0, 1, 2, 3, 10, 20])
def test_short_durations_are_exact(seconds):
    assert seconds_of(bucket_of(seconds)) == max(0, seconds)


def test_a_month_of_durations_fits_into_few_buckets():
    assert len({bucket_of(seconds) for seconds in range(0, 30 * 86_400, 7)}) < 310


@given(values=st.lists(durations, min_size=1), share=st.sampled_from([0.5, 0.95, 1]))
def test_percentiles_of_buckets_are_within_the_documented_error(values, share):
    exact = sorted(values)[ceil(share * len(values)) - 1]

    found = percentile(Counter(seconds_of(bucket_of(value)) for value in values), share)

    assert abs(found - exact) <= RELATIVE_ERROR * exact


@given(days=st.lists(st.lists(durations, max_size=8), min_size=2, max_size=4))
def test_merging_days_is_counting_them_together(days):
    apart = Counts()
    for day in days:
        kept = Counts(seconds=Counter(day)).kept()
        apart.merge(Counts.from_kept(kept))
    together = Counts.from_kept(Counts(seconds=Counter(chain(*days))).kept())

    assert apart.seconds == together.seconds


def test_nothing_has_no_percentile():
    assert percentile({}, 0.5) is None


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.75, 3), (0.95, 4), (0.01, 1)])
def test_a_percentile_is_a_value_that_was_there(share, expected):
    assert percentile({1: 1, 2: 1, 3: 1, 4: 1}, share) == expected
