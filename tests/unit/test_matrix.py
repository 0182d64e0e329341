"""The table of docs/support-matrix.md out of what pytest reports."""

from collections import Counter

import pytest

import matrix

REPORT = """\
<testsuites><testsuite>
<testcase name="test_no_warning[7.2]"/>
<testcase name="test_a[7.2]"><failure message="no"/></testcase>
<testcase name="test_b[7.2]"><error message="no"/></testcase>
<testcase name="test_c[7.2]"><skipped type="pytest.skip" message="there is no c"/></testcase>
</testsuite></testsuites>
"""


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix, "TABLE", tmp_path / "table.md")
    return tmp_path / "table.md"


def test_report(tmp_path):
    (tmp_path / "tests.xml").write_text(REPORT)
    done = matrix.read_report(tmp_path / "tests.xml")
    assert done.counts == {"passed": 1, "failed": 2, "skipped": 1}
    assert done.skips == ["`test_c`: there is no c"]
    assert done.is_built


def test_a_module_that_was_not_built_is_told(tmp_path):
    (tmp_path / "tests.xml").write_text(REPORT.replace("no_warning", "other"))
    assert not matrix.read_report(tmp_path / "tests.xml").is_built


def test_one_row_is_renewed(table):
    matrix.renew("7.2", "7.2.1", matrix.Run(Counter(failed=1), ["`test_c`: old"], is_built=False))
    matrix.renew("5.10", "5.10.1", matrix.Run(Counter(passed=2), ["`test_d`: kept"], is_built=True))
    matrix.renew("7.2", "7.2.2", matrix.Run(Counter(passed=3), [], is_built=True))
    text = table.read_text()
    assert "| 5.10 | bullseye | amd64 | 5.10.1 | no warning | 2 | 0 | 0 | " in text
    assert "| 7.2 | forky | amd64 | 7.2.2 | no warning | 3 | 0 | 0 | " in text
    assert "7.2.1" not in text
    assert text.index("5.10.1") < text.index("7.2.2")
    assert text.endswith("## Skipped tests\n\n- 5.10: `test_d`: kept\n")
