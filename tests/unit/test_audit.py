"""The audit of packages tells apart: something is found, nothing is, and nobody was asked."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CLEAN = {"name": "pillow", "version": "12.3.0", "vulns": []}
UNKNOWN = {"name": "pillow", "skip_reason": "Dependency not found and could not be audited"}
BAD = {
    "name": "pillow",
    "version": "1.0",
    "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}, {"id": "CVE-2", "fix_versions": []}],
}
BROKEN = "raise ConnectionError('Failed to resolve the name')"


@pytest.fixture
def audit(monkeypatch, capsys):
    """The script, with programs in the place of pip-audit; returns exit code and words."""
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci/audit.py")
    script = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = script
    spec.loader.exec_module(script)

    def answering(*answers):
        """Let each database answer: a list of packages, or a program that fails."""
        programs = iter(answers)

        def program(command):
            assert {"--require-hashes", "requirements.lock"} <= set(command)
            answer = next(programs)
            if isinstance(answer, str):
                return real([sys.executable, "-c", answer])
            code = int(any(package.get("vulns") for package in answer))
            text = json.dumps({"dependencies": answer, "fixes": []})
            return real([sys.executable, "-c", f"print({text!r}); raise SystemExit({code})"])

        real = script.audit
        with monkeypatch.context() as patch:
            patch.setattr(script, "audit", program)
            code = script.main()
        return code, capsys.readouterr().out

    yield answering
    del sys.modules["audit"]


def test_what_is_found_fails(audit):
    code, said = audit([CLEAN, BAD, UNKNOWN])
    assert code == 1
    assert "2 packages were audited, 1 are not known there:" in said
    assert "  pillow 1.0: CVE-1, mended in 1.1\n" in said
    assert "  pillow 1.0: CVE-2, mended in no version\n" in said


def test_nothing_found_is_said_only_where_it_was_looked(audit):
    assert audit([CLEAN, CLEAN]) == (0, "pypi: 2 packages were audited: no known vulnerability\n")


def test_nobody_asked_is_no_all_clear(audit):
    """Behind a proxy the first knows no package and the second has no address."""
    code, said = audit([UNKNOWN, UNKNOWN], BROKEN)
    assert code == 0
    first, *rest = said.splitlines()
    assert first.startswith("NOT AUDITED: ")
    assert rest == [
        "pypi: it knows none of the 2 packages",
        "osv: it cannot be reached (ConnectionError: Failed to resolve the name)",
    ]
    assert "no known vulnerability" not in said


def test_the_second_is_asked_where_the_first_knows_nothing(audit):
    code, said = audit([UNKNOWN], [BAD])
    assert code == 1
    assert "NOT AUDITED" not in said


def test_a_program_that_is_not_there(audit, monkeypatch):
    script = sys.modules["audit"]
    assert "No such file" in script.audit(["no-such-program"]).fault
