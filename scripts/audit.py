"""What dedup brings with it: known vulnerabilities and licences of all that it and its extras need, as installed here.

    python -m venv AUDIT && AUDIT/bin/pip install pip-audit
    python scripts/audit.py --pip-audit AUDIT/bin/pip-audit
    python scripts/audit.py --licences

Prints a table: package, version, what needs it (dedup or an extra), its licence, and what is to be said of it.
pip-audit (the extra ``audit``, in an environment of its own, so that what it needs is not taken for what dedup needs)
asks PyPI's JSON API or, with ``--service osv``, osv.dev for known vulnerabilities. What could not be asked is told, and
is no "none".

Exit codes: 0 nothing found; 1 a vulnerability, or a licence that is refused or that nobody has looked at; 2 nothing
found, but something could not be asked or is not installed.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, cast

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROGRAM: Final = "dedup"
OWN: Final = "audit"
"""The extra that brings pip-audit."""

PERMISSIVE: Final = frozenset(
    {
        *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0"),
        *("CC0-1.0", "CNRI-Python", "HPND", "ISC", "MIT", "MIT-0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
    }
)
"""SPDX identifiers; ``BSD`` is one of which it is not said how many clauses it has."""

REFUSED: Final = re.compile(r"A?GPL-|SSPL-|BUSL-|CC-BY-NC", re.IGNORECASE)
"""Licences that would reach whoever passes dedup on, or that forbid some use."""

EXCEPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "certifi": ("MPL-2.0", "a file of certificates, used as it is; the MPL holds for changes of that file"),
    "tqdm": ("MPL-2.0 AND MIT", "used as it is; the MPL holds for changes of its own files"),
    "hypothesis": ("MPL-2.0", "only tests use it"),
    "pathspec": ("MPL-2.0", "only mypy uses it"),
    "daft": ("", "says nothing in its metadata; the wheel holds the text of Apache-2.0"),
}
"""Package -> the licence that somebody has looked at, and why it may stay. Another licence is to be looked at anew."""

SPELLINGS: Final[Mapping[str, str]] = {
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache2": "Apache-2.0",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd license": "BSD",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "gnu general public license v2 (gplv2)": "GPL-2.0-only",
    "gnu general public license v3 (gplv3)": "GPL-3.0-only",
    "gnu affero general public license v3": "AGPL-3.0-only",
}
"""How metadata older than SPDX expressions (PEP 639) name a licence, in small letters -> its identifier."""

LONGEST: Final = 60
"""Characters of a licence's name; a longer field holds its text."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that dedup needs; ``needed_by`` are ``dedup`` and the extras that bring it."""

    name: str
    version: str
    licence: str
    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a licence, and whether it is a finding."""

    told: str
    is_finding: bool = False


# --- licences


def licence_of(metadata: Message) -> str:
    """The licence that a package states, as an SPDX expression where it can be told; else what it says, or nothing."""
    if expression := metadata.get("License-Expression"):
        return str(expression).strip()
    if (stated := str(metadata.get("License") or "").strip()) and len(stated) <= LONGEST and "\n" not in stated:
        return SPELLINGS.get(stated.lower(), stated)
    names = [name.rpartition(" :: ")[2] for name in metadata.get_all("Classifier", []) if name.startswith("License ::")]
    return " AND ".join(sorted({SPELLINGS.get(name.lower(), name) for name in names} - {"OSI Approved"}))


def judge(name: str, licence: str) -> Verdict:
    """Whether a package with this licence may be needed."""
    if canonicalize_name(name) in EXCEPTIONS:
        looked_at, why = EXCEPTIONS[canonicalize_name(name)]
        if licence == looked_at:
            return Verdict(f"excepted: {why}")
    try:
        if is_permissive(licence):
            return Verdict("")
    except ValueError:
        return Verdict("unknown: look at it", is_finding=True)
    if REFUSED.search(licence):
        return Verdict("REFUSED", is_finding=True)
    return Verdict("not on the list: look at it", is_finding=True)


def is_permissive(expression: str) -> bool:
    """Whether an SPDX expression lets one choose permissive licences only.

    Raises :class:`ValueError` for what is no such expression.
    """
    tokens = re.findall(r"[()]|[^\s()]+", expression)
    value, rest = _either(tokens)
    if rest:
        raise ValueError(f"not an SPDX expression: {expression}")
    return value


def _either(tokens: Sequence[str]) -> tuple[bool, Sequence[str]]:
    value, rest = _both(tokens)
    while rest and rest[0] == "OR":
        other, rest = _both(rest[1:])
        value = value or other
    return value, rest


def _both(tokens: Sequence[str]) -> tuple[bool, Sequence[str]]:
    value, rest = _one(tokens)
    while rest and rest[0] == "AND":
        other, rest = _one(rest[1:])
        value = value and other
    return value, rest


def _one(tokens: Sequence[str]) -> tuple[bool, Sequence[str]]:
    match list(tokens):
        case ["(", *within]:
            value, rest = _either(within)
            if not rest or rest[0] != ")":
                raise ValueError("a bracket is not closed")
            return value, rest[1:]
        case [name, "WITH", exception, *rest]:
            return f"{name} WITH {exception}" in PERMISSIVE, rest
        case [name, *rest] if name not in {")", "AND", "OR", "WITH"}:
            return name in PERMISSIVE, rest
    raise ValueError("a licence is missing")


# --- what is needed


def needed(program: str = PROGRAM) -> tuple[list[Package], dict[str, list[str]]]:
    """The installed packages that the program and each of its extras need, and who needs those that are not."""
    extras = distribution(program).metadata.get_all("Provides-Extra", [])
    found: dict[str, tuple[Distribution, list[str]]] = {}
    missing: dict[str, list[str]] = {}
    for extra in ("", *(extra for extra in extras if extra != OWN)):
        for name in _closure(program, extra):
            try:
                found.setdefault(name, (distribution(name), []))[1].append(extra or program)
            except PackageNotFoundError:
                missing.setdefault(name, []).append(extra or program)
    packages = [
        Package(name, one.version, licence_of(cast("Message", one.metadata)), _without_repeats(by))
        for name, (one, by) in sorted(found.items())
        if name != program
    ]
    return packages, missing


def _without_repeats(needed_by: Sequence[str]) -> tuple[str, ...]:
    """What the program itself needs, its extras need, too: that need not be said."""
    return (PROGRAM,) if PROGRAM in needed_by else tuple(needed_by)


def _closure(program: str, extra: str) -> set[str]:
    """All that is needed with an extra, by canonical names."""
    pending = [(canonicalize_name(program), extra)]
    seen = set(pending)
    while pending:
        name, its_extra = pending.pop()
        for requirement in _requirements(name, its_extra):
            for one in ("", *requirement.extras):
                wanted = (canonicalize_name(requirement.name), one)
                if wanted not in seen:
                    seen.add(wanted)
                    pending.append(wanted)
    return {str(name) for name, _ in seen}


def _requirements(name: str, extra: str) -> Iterator[Requirement]:
    try:
        stated = distribution(name).requires or []
    except PackageNotFoundError:
        return
    for requirement in map(Requirement, stated):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


# --- vulnerabilities


@dataclass(frozen=True, slots=True)
class Audit:
    """Known vulnerabilities by package, and why something could not be asked, by package or for all (``*``)."""

    found: Mapping[str, str]
    not_asked: Mapping[str, str]


def audit(packages: Sequence[Package], program: str | None, service: str) -> Audit:
    """Ask by way of pip-audit. What it says is taken from its JSON; where there is none, nothing could be asked."""
    if program is None:
        return Audit({}, {"*": "pip-audit is not there: name it with --pip-audit"})
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        # "2.13.0+cpu" is a build of 2.13.0, and no index knows it.
        listed.write_text("".join(f"{one.name}=={one.version.partition('+')[0]}\n" for one in packages))
        options = [
            "--no-deps",
            "--disable-pip",
            "--progress-spinner=off",
            "--format=json",
            f"--vulnerability-service={service}",
        ]
        done = subprocess.run(  # noqa: S603 - the program that the caller names
            [program, "--requirement", str(listed), *options], capture_output=True, check=False
        )
    try:
        return audited(done.stdout)
    except ValueError:  # msgspec's errors are
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        return Audit({}, {"*": said[-1] if said else f"pip-audit ended with {done.returncode}"})


class _Vulnerability(msgspec.Struct):
    id: str
    fix_versions: list[str] = []


class _Dependency(msgspec.Struct):
    name: str
    vulns: list[_Vulnerability] = []
    skip_reason: str | None = None


class _Answer(msgspec.Struct):
    dependencies: list[_Dependency]


def audited(answer: bytes) -> Audit:
    """pip-audit's answer. Raises :class:`ValueError` where it is none."""
    found: dict[str, str] = {}
    not_asked: dict[str, str] = {}
    for one in msgspec.json.decode(answer, type=_Answer).dependencies:
        if one.skip_reason is not None:
            not_asked[one.name] = one.skip_reason
        elif one.vulns:
            found[one.name] = ", ".join(map(_told, one.vulns))
    return Audit(found, not_asked)


def _told(vulnerability: _Vulnerability) -> str:
    return f"{vulnerability.id} (mended in {', '.join(vulnerability.fix_versions) or 'nothing yet'})"


# --- as a program


def main() -> int:
    """Print the table and what is to be said; the exit code."""
    parser = argparse.ArgumentParser(description="Vulnerabilities and licences of what dedup needs.")
    parser.add_argument("--pip-audit", default=shutil.which("pip-audit"), metavar="PROGRAM")
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi")
    parser.add_argument("--licences", action="store_true", help="Ask nobody for vulnerabilities.")
    called = parser.parse_args()
    packages, missing = needed()
    asked = Audit({}, {}) if called.licences else audit(packages, called.pip_audit, called.service)
    verdicts = {one.name: judge(one.name, one.licence) for one in packages}
    for one in packages:
        told = "; ".join(filter(None, (asked.found.get(one.name), verdicts[one.name].told)))
        print(
            f"{one.name:26} {one.version:14} {','.join(one.needed_by):24.24} {one.licence[:LONGEST] or '-':30} {told}"
        )
    _sum_up(packages, missing, asked, verdicts)
    if asked.found or any(verdict.is_finding for verdict in verdicts.values()):
        return 1
    return 2 if missing or asked.not_asked else 0


def _sum_up(
    packages: Sequence[Package], missing: Mapping[str, Sequence[str]], asked: Audit, verdicts: Mapping[str, Verdict]
) -> None:
    findings = sum(verdict.is_finding for verdict in verdicts.values())
    excepted = sum(verdict.told.startswith("excepted") for verdict in verdicts.values())
    counts = f"{findings} licences to look at, {excepted} excepted, {len(asked.found)} vulnerable"
    print(f"\n{len(packages)} packages: {counts}")
    for name, by in sorted(missing.items()):
        print(f"NOT LOOKED AT: {name} is not installed (needed by {', '.join(by)})")
    if "*" in asked.not_asked:
        print(f"NOT ASKED for vulnerabilities: {asked.not_asked['*']}")
    elif asked.not_asked:
        name, why = next(iter(asked.not_asked.items()))
        print(f"NOT ASKED for vulnerabilities: {len(asked.not_asked)} packages, the first: {name}: {why}")


if __name__ == "__main__":
    sys.exit(main())
