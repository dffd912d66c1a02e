"""The logic of scripts/audit.py; nothing is asked here."""

import json
from collections.abc import Iterable
from email.message import Message

import audit
import pytest
from audit import Audit, Package, Verdict


def metadata(**fields: str | Iterable[str]) -> Message:
    made = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            made[name.replace("_", "-")] = value
    return made


@pytest.mark.parametrize(
    ("stated", "licence"),
    [
        (metadata(License_Expression="MIT AND ISC", License="GPL"), "MIT AND ISC"),
        (metadata(License="Apache 2.0 License"), "Apache-2.0"),
        (metadata(License="MPL-2.0 AND MIT"), "MPL-2.0 AND MIT"),
        (metadata(License="x" * 99, Classifier="License :: OSI Approved :: BSD License"), "BSD"),
        (metadata(License="Copyright\nby us"), ""),
        (metadata(Classifier=["License :: OSI Approved :: MIT License", "License :: OSI Approved"]), "MIT"),
        (metadata(Classifier=[f"License :: OSI Approved :: {name} License" for name in ("MIT", "BSD")]), "BSD AND MIT"),
        (metadata(Classifier="Topic :: Text"), ""),
    ],
)
def test_licence_is_what_metadata_of_any_age_state(stated: Message, licence: str) -> None:
    assert audit.licence_of(stated) == licence


@pytest.mark.parametrize(
    ("expression", "permissive"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-2.0-only", False),
        ("MIT OR GPL-2.0-only", True),
        ("MIT AND (GPL-2.0-only OR BSD-3-Clause)", True),
        ("GPL-2.0-only OR MIT AND MPL-2.0", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
    ],
)
def test_expression_is_permissive_if_one_can_choose_so(expression: str, permissive: bool) -> None:
    assert audit.is_permissive(expression) is permissive


@pytest.mark.parametrize("expression", ["", "MIT AND", "(MIT", "MIT)", "MIT License", "OR MIT", "WITH x"])
def test_what_is_no_expression_is_no_permission(expression: str) -> None:
    with pytest.raises(ValueError):
        audit.is_permissive(expression)
    assert audit.judge("x", expression).is_finding


def test_strong_copyleft_is_refused_and_weak_and_unknown_ones_are_for_a_person() -> None:
    assert audit.judge("x", "AGPL-3.0-or-later") == audit.judge("x", "MIT AND GPL-2.0-only") == Verdict("REFUSED", True)
    assert audit.judge("x", "MPL-2.0") == Verdict("not on the list: look at it", True)
    assert audit.judge("x", "Proprietary License") == Verdict("unknown: look at it", True)
    assert audit.judge("x", "MIT") == Verdict("")


def test_exception_holds_for_the_licence_that_was_looked_at() -> None:
    assert not audit.judge("certifi", "MPL-2.0").is_finding
    assert audit.judge("certifi", "GPL-3.0-only") == Verdict("REFUSED", True)
    assert audit.judge("other", "MPL-2.0").is_finding


def test_all_that_is_installed_for_dedup_has_a_licence_that_is_allowed() -> None:
    packages, missing = audit.needed()
    by_name = {package.name: package for package in packages}
    assert {"torch", "numpy", "requests", "pyarrow", "hypothesis"} <= by_name.keys()
    assert by_name["numpy"].needed_by == ("dedup",)
    assert by_name["requests"].needed_by == ("dedup",)  # by way of tldextract
    assert "distributed" in by_name["ray"].needed_by
    assert not {"pip", "dedup"} & by_name.keys()
    assert "ruff" in by_name.keys() | missing.keys()
    assert missing.keys() <= {"atheris", "mypy", "ruff", "s3fs", "types-jsonschema"}  # the extra test brings none
    assert {one.name: one.licence for one in packages if audit.judge(one.name, one.licence).is_finding} == {}


def test_what_pip_audit_could_not_ask_is_not_taken_for_none() -> None:
    answer: dict[str, list[dict[str, object]]] = {
        "dependencies": [
            {"name": "good", "version": "1", "vulns": []},
            {"name": "bad", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2", "3"]}, {"id": "GHSA-x"}]},
            {"name": "other", "skip_reason": "not found"},
        ]
    }
    told = "PYSEC-1 (mended in 2, 3), GHSA-x (mended in nothing yet)"
    assert audit.audited(json.dumps(answer).encode()) == Audit({"bad": told}, {"other": "not found"})


def test_audit_that_cannot_be_made_says_so() -> None:
    packages = [Package("x", "1+cpu", "MIT", ("dedup",))]
    assert audit.audit(packages, None, "pypi").not_asked.keys() == {"*"}
    assert audit.audit(packages, "false", "pypi") == Audit({}, {"*": "pip-audit ended with 1"})
