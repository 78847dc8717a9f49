"""Beam's options: what Beam would drop in silence, we refuse."""

from __future__ import annotations

import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines.engine.options import LOCAL, REFUSED, check_options
from pipelines.errors import ConfigurationError


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--direct_num_workers=2"],
        ["--direct_num_workers", "2", "--direct_running_mode", "multi_processing"],
        ["--runner=FnApiRunner"],
        ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"],
        ["--runner=PortableRunner", "--job_endpoint=localhost:8099", "--environment_type=EXTERNAL"],
        ["--runner=FlinkRunner", "--flink_master=localhost:8081"],
    ],
)
def test_beams_own_options_are_taken(options: list[str]) -> None:
    check_options(options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--no_such_option=1"], "--no_such_option is no option of Apache Beam"),
        (["--direct_num_workers=2", "--no_such_option"], "--no_such_option is no option"),
        (["--direct_num_worker=2"], "--direct_num_worker is no option"),
        (["-x"], "-x is no option"),
        (["more.yaml"], "'more.yaml' is no option; after `--` stand Beam's options"),
        (["--direct_num_workers=2", "more.yaml"], "'more.yaml' is no option"),
        (["--direct_num_workers=two"], "wrong value: argument --direct_num_workers: invalid int value: 'two'"),
        (["--direct_running_mode=fast"], "wrong value: argument --direct_running_mode: invalid choice: 'fast'"),
    ],
)
def test_what_beam_does_not_know_is_refused(options: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError) as error:
        check_options(options)
    assert said in str(error.value)
    assert error.value.exit_code == 2
    assert "usage:" not in capfd.readouterr().err


@pytest.mark.parametrize("runner", REFUSED)
@pytest.mark.parametrize("spelling", ["--runner={}", "--runner=apache_beam.runners.{}"])
def test_runners_that_lose_or_change_data_are_refused_with_a_reason(runner: str, spelling: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--runner={runner} is refused: it .*; leave (--runner|out)?"):
        check_options([spelling.format(runner)])


def test_the_default_is_the_runner_that_is_in_the_process() -> None:
    assert FnApiRunner.__name__ == LOCAL
    assert LOCAL not in REFUSED
