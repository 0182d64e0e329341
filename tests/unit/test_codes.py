"""Numbers as indices, and as counts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracectl.analysis.codes import codes_of, count_into

SPANS = st.sampled_from([1, 100, 1 << 17, 1 << 20, 1 << 33, 1 << 40])


@st.composite
def numbers(draw):
    """Few or many different ones, close together or far apart."""
    span, count = draw(SPANS), draw(st.integers(0, 300))
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    lowest = draw(st.integers(-span, span))
    different = lowest + random.integers(0, span, draw(st.integers(1, 200)), np.int64)
    return random.choice(different, count)


@given(numbers())
def test_codes_are_indices_of_the_different_numbers(values):
    which, different = codes_of(values)
    assert different == np.unique(values).tolist()
    assert np.array_equal(np.array(different, np.int64)[which], values)


@given(numbers())
def test_as_often_as_it_is_there_is_counted(values):
    places = values - values.min(initial=0)
    places %= 1 << 20
    counts, expected = np.zeros((2, 1 << 20), np.int32)
    count_into(counts, places)
    np.add.at(expected, places, 1)
    assert np.array_equal(counts, expected)
