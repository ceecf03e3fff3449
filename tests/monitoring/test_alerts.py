"""Every alert fires for its cause, after the time it grants, and for nothing less: promtool judges."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .cases import CASES, Case, Series
from .rules import RULES, alerts, records

HERE = 'job="lbproxy", instance="192.0.2.9:9180"'
NEVER = (2, 5, 10, 15, 20, 35, 50)
"""Minutes at which what is calm is looked at."""


def test_rules_are_ones_that_prometheus_takes() -> None:
    promtool("check", "rules", str(RULES))


def test_every_alert_has_a_case() -> None:
    assert CASES.keys() == alerts().keys()


@pytest.mark.parametrize("name", CASES)
def test_alert_fires_for_its_cause_and_not_before_its_time(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    labels = "".join(f', {key}="{value}"' for key, value in case.labels.items())
    judge(tmp_path, case.fires, {
        f"count({firing(name, labels)}) @ {case.at}": [{"labels": "{}", "value": 1}],
        f"{firing(name)} @ {case.not_before}": []})


@pytest.mark.parametrize("name", CASES)
def test_alert_stays_silent_just_below_its_threshold(name: str, tmp_path: Path) -> None:
    judge(tmp_path, CASES[name].calm, {f"{firing(name)} @ {minute}": [] for minute in NEVER})


def test_an_alert_that_does_not_fire_would_be_found(tmp_path: Path) -> None:
    case: Case = CASES["LbproxyHealthPanic"]
    with pytest.raises(AssertionError, match="FAILED"):
        judge(tmp_path, case.calm, {f'count({firing("LbproxyHealthPanic")}) @ 5': [{"labels": "{}", "value": 1}]})


def test_every_recorded_name_that_is_used_is_recorded() -> None:
    text = RULES.read_text()
    assert set(re.findall(r"\b\w+:lbproxy_\w+:\w+", text)) == records().keys()


@pytest.mark.parametrize("rule", alerts().values(), ids=alerts())
def test_alert_says_how_bad_it_is_and_what_is_the_matter(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert all(len(text) <= 120 for text in rule["annotations"].values())


def firing(name: str, labels: str = "") -> str:
    return f'ALERTS{{alertname="{name}", alertstate="firing"{labels}}}'


def judge(folder: Path, series: Series, expected: Mapping[str, list[dict[str, object]]]) -> None:
    """Let promtool run the rules over the series, and compare what expressions (`EXPRESSION @ MINUTE`) give."""
    tests = [{"expr": expression.rpartition(" @ ")[0], "eval_time": f"{expression.rpartition(' @ ')[2]}m",
              "exp_samples": samples} for expression, samples in expected.items()]
    inputs = [{"series": placed(name), "values": values} for name, values in series.items()]
    file = folder / "test.yaml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [
        {"interval": "1m", "input_series": inputs, "promql_expr_test": tests}]}))
    promtool("test", "rules", str(file))


def placed(series: str) -> str:
    """The series as it comes from one instance."""
    name, _, labels = series.rstrip("}").partition("{")
    return f"{name}{{{', '.join(filter(None, (HERE, labels)))}}}"


def promtool(*arguments: str) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("needs promtool, of Debian's prometheus")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
