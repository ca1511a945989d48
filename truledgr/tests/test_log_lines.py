"""The format of the log: what a line holds, and what cannot get into one."""

import json
import logging
import re
import subprocess
import sys
import warnings

import pytest
from django.conf import settings
from django.test import RequestFactory

from truledgr.environment import Environment
from truledgr.log_lines import FACTS, JSONFormatter
from truledgr.log_settings import LEVELS, OWN, config_of, log_settings

pytestmark = pytest.mark.usefixtures("lines")

logger = logging.getLogger("truledgr.test")
ATTACKS = {
    "line_feed": "a\nb", "carriage_return": "a\rb", "escape": "a\x1b[2Jb", "null": "a\0b",
    "next_line": "a\x85b", "line_separator": "a\u2028b", "paragraph_separator": "a\u2029b",
    "vertical_tab": "a\x0bb", "form_feed": "a\x0cb", "bell": "a\x07b", "delete": "a\x7fb",
    "right_to_left": "a\u202eb", "zero_width": "a\u200bb", "c1_csi": "a\x9bb",
    "lone_surrogate": "a\ud800b", "forged": 'x"}\n{"level":"CRITICAL"',
}  # fmt: skip
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def fields(line):
    return {"time", "level", "logger", "message", "process", *FACTS} <= line.keys()


def test_asvs_16_2_2_each_line_says_when_in_utc_what_and_by_which_part(lines):
    logger.warning("%d of %d", 1, 2)

    [line] = lines.all()
    assert fields(line)
    assert UTC.fullmatch(line["time"])
    assert (line["level"], line["logger"], line["message"]) == (
        "WARNING", "truledgr.test", "1 of 2",
    )  # fmt: skip


def test_the_time_is_utc_whatever_the_zone_of_the_machine():
    record = logging.makeLogRecord({"created": 1_800_000_000.0004, "msg": "x"})

    assert json.loads(JSONFormatter().format(record))["time"] == "2027-01-15T08:00:00.000Z"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("place", ["message", "value", "detail", "exception"])
def test_asvs_16_4_1_what_somebody_sent_makes_no_line_of_its_own(lines, attack, place, monkeypatch):
    # pytest's own capture, on the root, cannot report a surrogate to another process.
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", lines.handlers)
    if place == "message":
        logger.error(attack)
    elif place == "value":
        logger.error("It was %s.", attack)
    elif place == "detail":
        logger.error("It was so.", extra={"user_agent": attack})
    else:
        logger.error("It failed.", exc_info=ValueError(attack))

    as_json, as_text = lines.json.getvalue(), lines.text.getvalue()
    assert as_json.count("\n") == len(as_json.splitlines()) == 1
    assert as_json.isascii()
    assert any(attack in str(value) for value in lines.all()[0].values())
    first, *rest = as_text.removesuffix("\n").split("\n")
    assert first.isprintable()
    # A traceback has lines, all of them marked: none of them looks like a line of the log.
    assert all(line.startswith("  | ") and line.isprintable() for line in rest)
    assert bool(rest) is (place == "exception")


def test_an_exception_is_one_field(lines):
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        logger.exception("It failed.")

    [line] = lines.all()
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ZeroDivisionError: integer division or modulo by zero")


def test_a_message_whose_values_do_not_fit_is_a_line_all_the_same(lines, capsys):
    logging.raiseExceptions, before = True, logging.raiseExceptions
    try:
        for handler in lines.handlers:
            handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("x",)}))
    finally:
        logging.raiseExceptions = before

    assert lines.all()[0]["message"] == "%d (its values do not fit)"
    assert "Logging error" not in capsys.readouterr().err


def test_of_what_is_attached_to_a_record_only_what_is_named_is_written(lines):
    request = RequestFactory().post("/x?token=canary", {"password": "canary"})

    logger.error("It failed.", extra={"request": request, "token": "canary", "status_code": 500})

    assert "canary" not in lines.everything()
    assert lines.all()[0]["status"] == 500


def test_what_a_caller_did_wrong_has_no_traceback(lines):
    error = ValueError("no such host")

    logger.error("It was refused.", extra={"status_code": 400}, exc_info=error)

    assert "exception" not in lines.all()[0]


def test_warnings_of_python_are_lines(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging._showwarning("watch\nout", UserWarning, "module.py", 1)

    [line] = lines.of("py.warnings")
    assert "watch\nout" in line["message"]


# --- Settings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "debug", "form"),
    [
        ({}, True, "text"),
        ({}, False, "json"),
        ({"LOG_FORMAT": "text"}, False, "text"),
        ({"LOG_FORMAT": "json"}, True, "json"),
    ],
)
def test_production_writes_json_unless_it_is_told_otherwise(environ, debug, form):
    config = log_settings(Environment(environ), debug=debug)

    assert config["handlers"]["console"]["formatter"] == form


@pytest.mark.parametrize("name", ["LOG_FORMAT", "LOG_LEVEL"])
def test_an_unknown_format_or_level_is_refused(name):
    env = Environment({name: "xml"})

    log_settings(env, debug=False)

    with pytest.raises(Exception, match=f"{name}: is 'xml'"):
        env.check()


@pytest.mark.parametrize("level", LEVELS)
def test_asvs_16_2_5_debug_is_for_our_own_loggers(level):
    loggers = config_of(level=level, form="json")["loggers"]

    assert {loggers[name]["level"] for name in OWN} == {level}
    assert config_of(level=level, form="json")["root"]["level"] != "DEBUG"
    assert loggers["django"]["level"] != "DEBUG"
    assert loggers["security"]["level"] == "WARNING"


def test_each_app_of_ours_has_its_level():
    named = {name.partition(".")[0] for name in settings.INSTALLED_APPS}

    local = {name for name in named if (settings.BASE_DIR / name).is_dir()}
    assert local <= set(OWN)


SCRIPT = """
import threading, sys, warnings
from truledgr.log_settings import config_of, configure
configure(config_of(level="INFO", form="json"))
warnings.warn("careful", stacklevel=1)
threading.Thread(target=lambda: 1 // 0).start()
class Bad:
    def __del__(self): raise OSError("ignored")
Bad()
raise LookupError("the end")
"""


def test_asvs_16_2_4_what_nobody_catches_is_a_line_too():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    written = [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]
    errors = [line["exception"].splitlines()[-1] for line in written if "exception" in line]
    assert written[0]["logger"] == "py.warnings"
    assert sorted(errors) == [
        "LookupError: the end",
        "OSError: ignored",
        "ZeroDivisionError: integer division or modulo by zero",
    ]
    assert done.returncode == 1
