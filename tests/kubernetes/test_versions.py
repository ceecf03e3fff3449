"""Which resource version is newer than another, as far as anybody may say."""

import pytest

from lbproxy.sources.kubernetes.client.versions import VersionHistory, is_older


@pytest.mark.parametrize(("version", "other"), [("9", "10"), ("0", "1"), ("7", "8"), ("9" * 5000, "1" + "0" * 5000)])
def test_decimal_versions_are_compared_as_numbers_of_any_size(version: str, other: str) -> None:
    assert is_older(version, other)
    assert not is_older(other, version)
    assert not is_older(version, version)


@pytest.mark.parametrize(("version", "other"), [("a", "b"), ("b", "a"), ("5", "x6"), ("x6", "5"), ("", "5"),
                                                ("-6", "5"), ("1.5", "2"), ("٣", "5")])
def test_opaque_versions_are_in_no_order(version: str, other: str) -> None:
    assert not is_older(version, other)


def listed(version: str) -> VersionHistory:
    history = VersionHistory()
    assert not history.restart(version)
    return history


def test_event_must_be_newer_and_a_bookmark_may_repeat() -> None:
    history = listed("10")
    assert history.advance("10", may_repeat=True)
    assert not history.advance("10", may_repeat=False)
    assert not history.advance("9", may_repeat=True)
    assert history.advance("11", may_repeat=False)
    assert history.latest == "11"


def test_opaque_version_that_was_seen_before_is_a_step_back() -> None:
    history = listed("apple")
    assert history.advance("pear", may_repeat=False)
    assert history.advance("fig", may_repeat=True)
    assert not history.advance("apple", may_repeat=True)
    assert not history.advance("pear", may_repeat=False)
    assert history.latest == "fig"


@pytest.mark.parametrize(("version", "is_back"), [("9", True), ("10", False), ("11", False), ("other", False)])
def test_list_is_believed_whatever_its_version(version: str, is_back: bool) -> None:  # noqa: FBT001 - a case
    history = listed("10")
    assert history.restart(version) is is_back
    assert history.latest == version
    assert history.advance("12", may_repeat=False)
