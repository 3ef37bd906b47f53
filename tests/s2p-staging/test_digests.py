from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from s2p_staging.digests import compared, compared_rows

LABELS = st.lists(st.text(max_size=4), min_size=1, max_size=5, unique=True)


@given(st.data(), LABELS)
def test_a_portion_is_written_down_as_each_of_its_rows(
    data: st.DataObject, labels: list[str]
) -> None:
    values = st.sampled_from(["", "a", "B", "é", "\N{GRINNING FACE}", '"'])
    row = st.fixed_dictionaries(dict.fromkeys(labels, values))
    rows = data.draw(st.lists(row, min_size=1, max_size=4))
    left_out = frozenset(data.draw(st.sets(st.sampled_from(labels))))
    columns = [[row[label] for row in rows] for label in labels]
    assert compared_rows(labels, columns, left_out) == [compared(row, left_out) for row in rows]
