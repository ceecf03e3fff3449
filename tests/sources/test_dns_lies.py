"""A DNS server that is silent, lies, or says too much: backends are never lost by it."""

import asyncio
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest
from structlog.typing import EventDict

from lbproxy.sources.dns import dns_client, name_watch
from tests.support.dns_server import LyingServer
from tests.support.waiting import until

from .dns_kit import Names, answer, write

GOOD = "db.test. 60 IN A 10.0.0.1"


def truth(question: dns.message.Message) -> bytes:
    return answer(question, GOOD).to_wire()


def wrong_id(question: dns.message.Message) -> bytes:
    made = answer(question, "db.test. 60 IN A 10.6.6.6")
    made.id ^= 1
    return made.to_wire()


def wrong_name(question: dns.message.Message) -> bytes:
    other = dns.message.make_query("other.test", question.question[0].rdtype, id=question.id)
    return answer(other, "other.test. 60 IN A 10.6.6.6").to_wire()


def truncated(question: dns.message.Message) -> bytes:
    made = answer(question)
    made.flags |= dns.flags.TC
    return made.to_wire()


def cut_off(question: dns.message.Message) -> bytes:
    return truth(question)[:-3]


@pytest.fixture
async def settled(doubtful: Names, liar: LyingServer, monkeypatch: pytest.MonkeyPatch) -> Names:
    """It has learned one address, and questions are given up soon."""
    monkeypatch.setattr(dns_client, "QUERY_TIMEOUT", 0.2)
    liar.udp = truth
    doubtful.follow("db.test")
    await doubtful.says("10.0.0.1:80")
    return doubtful


@pytest.mark.parametrize(("lie", "result"), [
    (lambda _: None, "timeout"),
    (lambda _: b"", "timeout"),
    (lambda _: b"\xff" * 100, "timeout"),
    (wrong_id, "timeout"),
    (wrong_name, "timeout"),
    (lambda question: answer(question, rcode=dns.rcode.SERVFAIL).to_wire(), "failed"),
    (lambda question: answer(question, rcode=dns.rcode.REFUSED).to_wire(), "failed"),
    (lambda question: answer(question, rcode=dns.rcode.NXDOMAIN).to_wire(), "empty"),
    (lambda question: answer(question).to_wire(), "empty"),
    (lambda question: answer(question, "db.test. 1 IN A 0.0.0.0").to_wire(), "empty"),
    (lambda question: answer(question, "db.test. 1 IN CNAME db.test.").to_wire(), "failed"),
], ids=["silence", "nothing", "garbage", "wrong id", "wrong name", "servfail", "refused", "nxdomain", "nodata",
        "no usable address", "loop of cnames"])
async def test_no_lie_takes_a_backend_away(settled: Names, liar: LyingServer, logs: list[EventDict],
                                           lie: object, result: str) -> None:
    liar.udp = lie  # type: ignore[assignment]
    await settled.counted(result, 2)
    assert (settled.backends(), settled.is_known, settled.up()) == (["10.0.0.1:80"], True, 0)
    # Once for each trouble: the lookup that was under way when the lies began may have ended otherwise.
    assert {line["event"] for line in logs} == {"name can't be resolved, keeping its last known addresses"}
    assert len({line["error"] for line in logs}) == len(logs) <= 2
    liar.udp = lambda question: answer(question, "db.test. 1 IN A 10.0.0.2").to_wire()
    await settled.says("10.0.0.2:80")


@pytest.mark.parametrize("lie", [wrong_id, cut_off], ids=["wrong id", "cut off"])
async def test_false_answer_before_the_true_one_is_passed_over(doubtful: Names, liar: LyingServer, lie: object) -> None:
    first = set[str]()

    def both(question: dns.message.Message) -> bytes:
        kind = question.question[0].rdtype.name
        if kind in first:
            return truth(question)
        first.add(kind)
        return lie(question)  # type: ignore[no-any-return, operator]

    liar.udp = both
    doubtful.follow("db.test")
    await doubtful.says("10.0.0.1:80")


async def test_truncated_answer_is_asked_for_by_tcp(doubtful: Names, liar: LyingServer) -> None:
    many = [f"10.0.{number // 200}.{number % 200}" for number in range(1, 600)]
    liar.udp = truncated
    liar.tcp = lambda question: answer(question, *(f"db.test. 60 IN A {host}" for host in many)).to_wire()
    doubtful.follow("db.test")
    await doubtful.says(*(f"{host}:80" for host in sorted(many)))


async def test_first_answer_that_never_comes_leaves_the_service_unknown(
        doubtful: Names, liar: LyingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_client, "QUERY_TIMEOUT", 0.1)
    doubtful.follow("db.test", "other.test")
    await doubtful.counted("timeout", 2)
    assert not doubtful.is_known
    assert doubtful.merger.waits_for() == "DNS has not answered yet for db.test or other.test"
    liar.udp = truth
    await doubtful.says("10.0.0.1:80")


async def test_answer_to_one_kind_of_question_is_enough_and_the_rest_stays(
        doubtful: Names, liar: LyingServer, logs: list[EventDict]) -> None:
    liar.udp = lambda question: answer(question, "db.test. 1 IN A 10.0.0.1", "db.test. 1 IN AAAA fd00::1").to_wire()
    doubtful.follow("db.test")
    await doubtful.says("10.0.0.1:80", "[fd00::1]:80")

    def half(question: dns.message.Message) -> bytes:
        is_six = question.question[0].rdtype.name == "AAAA"
        return answer(question, "db.test. 1 IN A 10.0.0.2",
                      rcode=dns.rcode.SERVFAIL if is_six else dns.rcode.NOERROR).to_wire()

    liar.udp = half
    await doubtful.says("10.0.0.2:80", "[fd00::1]:80")
    assert doubtful.up() == 1
    assert [line["event"] for line in logs] == [
        "name is resolved in part, keeping the last known addresses of the other part"]


async def test_addresses_that_name_no_host_are_left_out(
        doubtful: Names, liar: LyingServer, logs: list[EventDict]) -> None:
    bad = ["0.0.0.0", "224.0.0.1", "169.254.169.254"]
    bad_six = ["::", "ff02::1", "fe80::1", "::ffff:169.254.169.254"]
    records = [*(f"db.test. 1 IN A {host}" for host in [*bad, "127.0.0.1", "10.0.0.1"]),
               *(f"db.test. 1 IN AAAA {host}" for host in [*bad_six, "fd00::1"])]
    liar.udp = lambda question: answer(question, *records).to_wire()
    doubtful.follow("db.test")
    await doubtful.says("10.0.0.1:80", "127.0.0.1:80", "[fd00::1]:80")
    await doubtful.counted("answered", 2)
    assert [(line["event"], line["count"]) for line in logs] == [("parts of the answer are ignored", 7)]


async def test_endless_answer_is_cut(doubtful: Names, liar: LyingServer, monkeypatch: pytest.MonkeyPatch,
                                     logs: list[EventDict]) -> None:
    monkeypatch.setattr(name_watch, "MAX_RECORDS", 3)
    liar.udp = lambda question: answer(question, *(f"db.test. 1 IN A 10.0.0.{last}" for last in range(1, 9))).to_wire()
    doubtful.follow("db.test")
    await doubtful.says("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80")
    assert "it has 8 addresses, of which the first 3 are used" in str(logs)


async def test_error_within_the_search_list_ends_the_search(
        doubtful: Names, liar: LyingServer, resolv_conf: Path) -> None:
    """What stands after it is another host, which must not stand in for the one that can't be asked for."""
    write(resolv_conf, "search first.test second.test")
    liar.udp = lambda question: answer(question, rcode=dns.rcode.SERVFAIL).to_wire()
    doubtful.follow("db")
    await doubtful.counted("failed", name="db")
    assert {asked.split()[1] for asked in liar.asked} == {"db.first.test."}


async def test_srv_record_that_says_there_is_none_keeps_the_last_ones(doubtful: Names, liar: LyingServer) -> None:
    def one(question: dns.message.Message) -> bytes:
        return answer(question, "_pg._tcp.test. 1 IN SRV 0 0 5432 db.test.", GOOD).to_wire()

    liar.udp = one
    doubtful.follow("_pg._tcp.test")
    await doubtful.says("10.0.0.1:5432")
    liar.udp = lambda question: answer(question, "_pg._tcp.test. 1 IN SRV 0 0 0 .").to_wire()
    await doubtful.counted("empty", 2, "_pg._tcp.test")
    assert doubtful.backends() == ["10.0.0.1:5432"]


async def test_questions_are_limited_in_number(doubtful: Names, liar: LyingServer, resolv_conf: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_client, "MAX_QUERIES", 4)
    names = Names(resolv_conf, liar.address)
    names.follow(*(f"n{number}.test" for number in range(50)))
    await until(lambda: len(set(liar.asked)) >= 4)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(set(liar.asked)) == 4
    await names.close()
    assert not doubtful.said
