"""Tests that were skipped are told at the end, where nobody overlooks them."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


def test_skipped_tests_are_counted_by_reason_and_file(pytester: pytest.Pytester,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "false")
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makepyfile(test_it="""
        import pytest
        def test_runs(): pass
        @pytest.mark.parametrize("number", [1, 2])
        def test_wants(number): pytest.skip("needs what is not here")
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["[*]* 2 TESTS WERE SKIPPED *", "needs what is not here: 2 of test_it.py"])


def test_in_ci_a_skip_is_a_failure(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makepyfile("import pytest\ndef test_wants(): pytest.skip('needs what is not here')")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*skipped, which CI does not allow: *needs what is not here*"])
