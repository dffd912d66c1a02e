"""What the README says of the gate: its walk-through is run, word for word, and its configurations are held to what
there is.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dedup.cli import dedup
from dedup.cli.check import check

from .repository import ENVIRONMENT

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language in the section on the gate, in order."""
    (section,) = re.findall(r"^## The gate\n(.*?)(?=^## )", README, re.MULTILINE | re.DOTALL)
    return [
        body
        for found, body in re.findall(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        if found == language
    ]


def configurations() -> list[dict[str | bool, Any]]:
    return [yaml.safe_load(block) for block in blocks("yaml")]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the blocks of commands print, one after the other as a user would type them."""
    place = tmp_path_factory.mktemp("walk")
    shutil.copytree(ROOT / "seeds", place / "seeds")
    program = place / "bin" / "dedup"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dedup "$@"\n')
    program.chmod(0o755)
    end = "----- end of block"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"\necho '{end}'\n".join(blocks("sh"))],
        cwd=place,
        env={
            **os.environ,
            **ENVIRONMENT,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "100",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split(f"{end}\n")


def but_time(text: str) -> str:
    return re.sub(r"[\d.]+ s\.", "", text).strip()


def test_walk_through_ends_as_it_says(walked: list[str]) -> None:
    assert re.findall(r"^exit code (\d)$", walked[0], re.MULTILINE) == ["1", "0", "0"]
    found, other, accepted, _ = re.split(r"^exit code \d\n", walked[0], flags=re.MULTILINE)
    assert "A translation of articles/000_0adb70880f890897.txt" in found
    assert "articles/004_e605c14773b2b594.txt" in found
    assert "1 new record in 1 language (en 1), against 4 known" in other
    assert "No new record carries the article" in other
    assert " ".join(accepted.split()).count("apart from 1 that the baseline accepts") == 2


def test_output_in_the_readme_is_what_the_first_check_prints(walked: list[str]) -> None:
    (shown,) = blocks("")
    assert but_time(shown) == but_time(walked[0].partition("exit code 1")[0])


def test_index_of_the_walk_through_finds_the_same_and_follows(walked: list[str]) -> None:
    lines = walked[1].splitlines()
    assert lines[0] == "../known.index: 4 added; 4 records now."
    assert "exit code 1" in lines
    assert "A translation of articles/000_0adb70880f890897.txt" in walked[1]
    assert "../known.index: 1 added, 4 unchanged; 5 records now." in lines
    assert "../known.index: 1 removed; 4 records now." in lines
    assert any(line.startswith("../known.index: 4 records in 3 languages") for line in lines)


def test_hook_of_the_readme_exists() -> None:
    (repo,) = next(c["repos"] for c in configurations() if "repos" in c)
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    for hook in repo["hooks"]:
        entry = shlex.split(hooks[hook["id"]]["entry"])
        assert hook["args"][-1] == "--"
        parse([*entry, *hook["args"], "articles/a.txt"])


def test_inputs_of_the_readme_are_those_of_the_action() -> None:
    (job,) = next(c["jobs"] for c in configurations() if "jobs" in c).values()
    (step,) = (step for step in job["steps"] if "dedup-check" in step["uses"])
    folder = step["uses"].split("dedup/", 1)[1].partition("@")[0]
    inputs = yaml.safe_load((ROOT / folder / "action.yml").read_text())["inputs"]
    assert set(step["with"]) <= set(inputs)
    assert {name for name, spec in inputs.items() if spec.get("required")} <= set(step["with"])


def test_command_for_gitlab_can_be_called() -> None:
    job = next(c["dedup"] for c in configurations() if "dedup" in c)
    calls = [shlex.split(line) for line in job["script"] if line.startswith("dedup ")]
    assert len(calls) == 1
    parse(calls[0])
    assert job["artifacts"]["reports"]["junit"] in calls[0]


def parse(call: list[str]) -> None:
    """Raises where the program would refuse the options."""
    assert call[:2] == ["dedup", "check"]
    with dedup.make_context("dedup", call[1:]) as above:  # its settings are kept by the command for good
        check.make_context("check", call[2:], parent=above).close()
