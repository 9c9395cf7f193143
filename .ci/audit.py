"""Known vulnerabilities of the locked packages, as pip-audit finds them in its two databases.

Ends with 1 where it finds one. Where no database knows the packages it says so and ends with 0:
behind a proxy for packages alone, pip-audit finds none of them, and calls that "No known
vulnerabilities found".
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

LOCK = "requirements.lock"
SERVICES = ("pypi", "osv")
TIMEOUT_S = 600  # seconds for all packages
PROGRAM = [
    str(Path(sys.executable).with_name("pip-audit")), "--requirement", LOCK, "--require-hashes",
    "--disable-pip", "--format", "json", "--progress-spinner", "off",
]  # fmt: skip


@dataclass
class Outcome:
    """What one database says of the packages."""

    known: list[str] = field(default_factory=list)  # a line for each vulnerability
    audited: int = 0
    skipped: int = 0
    fault: str = ""  # why there is no answer


def main() -> int:
    lines = []
    for service in SERVICES:
        outcome = audit([*PROGRAM, "--vulnerability-service", service])
        lines.append(f"{service}: {sentence(outcome)}")
        if outcome.audited:
            break
    else:
        lines.insert(0, f"NOT AUDITED: no database can be asked about the packages of {LOCK}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if outcome.known else 0


def audit(command: list[str]) -> Outcome:
    """Run pip-audit; it ends with 1 both where it finds something and where it breaks."""
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        packages = json.loads(process.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return Outcome(fault=f"no answer within {TIMEOUT_S} seconds")
    except (OSError, ValueError, KeyError) as error:
        lines = (
            process.stderr.strip().splitlines() if isinstance(error, ValueError) else [str(error)]
        )
        return Outcome(fault=(lines or ["it said nothing"])[-1][:200])
    outcome = Outcome()
    for package in packages:
        outcome.skipped += "skip_reason" in package
        outcome.audited += "skip_reason" not in package
        outcome.known += [_line(package, one) for one in package.get("vulns", [])]
    return outcome


def sentence(outcome: Outcome) -> str:
    if outcome.fault:
        return f"it cannot be reached ({outcome.fault})"
    if not outcome.audited:
        return f"it knows none of the {outcome.skipped} packages"
    left = f", {outcome.skipped} are not known there" if outcome.skipped else ""
    verdict = "".join(f"\n  {line}" for line in outcome.known) or " no known vulnerability"
    return f"{outcome.audited} packages were audited{left}:{verdict}"


def _line(package: dict, vulnerability: dict) -> str:
    mended = ", ".join(vulnerability.get("fix_versions", [])) or "no version"
    return f"{package['name']} {package['version']}: {vulnerability['id']}, mended in {mended}"


if __name__ == "__main__":
    sys.exit(main())
