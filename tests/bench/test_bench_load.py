from pathlib import Path

import pytest

from bench.backends import serving
from bench.errors import BenchError
from bench.load import Load, loading, parse
from bench.net import Address
from bench.process import own_cpus
from bench.systems.installed import find

PRINTED = """\
Running 1s test @ http://127.0.0.1:1/
  64 requests in 1.00s
REPORT {"requests": 64, "bytes": 640, "seconds": 1.000100, "p50_us": 12, "p99_us": 30, "errors": 2}
"""


def test_totals_are_read_from_the_report_line() -> None:
    report = parse(PRINTED)
    assert (report.requests, report.bytes, report.seconds) == (64, 640, 1.0001)
    assert (report.p50_us, report.p99_us, report.errors) == (12, 30, 2)


@pytest.mark.parametrize(("printed", "complaint"), [
    ("unable to connect to 127.0.0.1:1 Connection refused\n", "Connection refused"),
    ("REPORT {}\n", "strange"),
    (PRINTED.replace('"bytes": 640', '"bytes": 0'), "no answer"),
])
def test_output_without_totals_is_an_error_that_says_why(printed: str, complaint: str) -> None:
    with pytest.raises(BenchError, match=complaint):
        parse(printed)


def test_new_connections_are_asked_for_with_a_header() -> None:
    find_or_skip("wrk")
    address = Address("127.0.0.1", 1)
    assert "Connection: close" in Load(1, closes=True).command(address, 1)
    assert "Connection: close" not in Load(1).command(address, 1)


def test_wrk_reports_exact_totals_of_a_real_run(tmp_path: Path) -> None:
    find_or_skip("wrk")
    find_or_skip("nginx")
    cpus = frozenset(own_cpus())
    with serving(tmp_path, cpus) as backends:
        load, (address,) = Load(connections=2), backends.first(1)
        with loading(load, address, 1, cpus, tmp_path) as run:
            report = run.report()
    assert report.errors == 0
    assert 0 < report.p50_us <= report.p99_us
    assert report.bytes > report.requests > 0


def find_or_skip(program: str) -> None:
    try:
        find(program)
    except BenchError as error:
        pytest.skip(str(error))
