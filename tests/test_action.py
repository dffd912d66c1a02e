"""The GitHub Action: its scripts run as a runner would run them, on a real repository."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .repository import Repository

ROOT = Path(__file__).parents[1]
ACTION = ROOT / ".github" / "actions" / "dedup-check" / "action.yml"
TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.\n"
OTHER = "Heavy showers are expected over the northern hills tonight, clearing slowly from the west by early morning.\n"


def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return loaded


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = action()["runs"]["steps"]
    return found


class Runner:
    """Runs the scripts of the action, with the inputs as its steps hand them over."""

    def __init__(self, repository: Repository, temporary: Path) -> None:
        self.repository = repository
        self.temporary = temporary
        program = temporary / "bin" / "dedup"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dedup "$@"\n')
        program.chmod(0o755)
        self.base_ref = ""
        self.outputs: dict[str, str] = {}

    def run(self, name: str, **inputs: str) -> "subprocess.CompletedProcess[str]":
        """A step by its name. Inputs that are not given have their defaults."""
        (step,) = (step for step in steps() if step.get("name") == name)
        output = self.temporary / "output"
        output.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            env={
                **os.environ,
                "PATH": f"{self.temporary / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "RUNNER_TEMP": str(self.temporary),
                "GITHUB_OUTPUT": str(output),
                **{
                    variable: self._value(value, inputs)
                    for variable, value in step["env"].items()
                    if variable != "DEDUP_CACHE"  # tests share theirs
                },
            },
            cwd=self.repository.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        told = (line.partition("=") for line in output.read_text().splitlines())
        self.outputs.update({name: value for name, _, value in told})
        return done

    def _value(self, expression: str, inputs: dict[str, str]) -> str:
        """What the runner would put in the place of the expressions."""
        defaults = {name: spec.get("default", "") for name, spec in action()["inputs"].items()}

        def value(found: re.Match[str]) -> str:
            known = {
                "github.action_path": str(ACTION.parent),
                "github.base_ref": self.base_ref,
                "runner.temp": str(self.temporary),
                **{f"inputs.{name}": inputs.get(name.replace("-", "_"), default) for name, default in defaults.items()},
                **{f"steps.prepare.outputs.{name}": value for name, value in self.outputs.items()},
            }
            return known[found[1]]

        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", value, expression)


@pytest.fixture
def runner(repository: Repository, tmp_path: Path) -> Runner:
    """A checkout of a branch that adds a copy of a text, as for a pull request to main."""
    repository.commit(**{"texts/a.txt": TEXT})
    repository.git("switch", "--quiet", "--create", "branch")
    repository.commit(**{"texts/copy of a.txt": TEXT})
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    return Runner(repository, tmp_path / "runner")


def test_what_the_user_says_is_never_part_of_a_script() -> None:
    scripts = [step["run"] for step in steps() if "run" in step]
    assert len(scripts) >= 4
    for script in scripts:
        assert "${{" not in script


def test_every_input_is_described_and_used() -> None:
    text = ACTION.read_text(encoding="utf-8")
    for name, spec in action()["inputs"].items():
        assert spec["description"]
        assert f"inputs.{name} " in text


def test_only_actions_of_github_are_used_at_a_version() -> None:
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    for name in used:
        assert re.fullmatch(r"actions/[\w/-]+@v\d+", name)


def test_pull_request_is_checked_against_its_base(runner: Runner) -> None:
    runner.base_ref = "main"
    assert runner.run("Prepare", against="texts").returncode == 0
    assert runner.outputs["since"] == "origin/main"
    done = runner.run("Check", against="texts", output="dedup.sarif\nreport.xml\n")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=texts/copy of a.txt,")
    assert json.loads((runner.repository.folder / "dedup.sarif").read_bytes())["version"] == "2.1.0"
    assert (runner.repository.folder / "report.xml").exists()
    runner.repository.write("texts/copy of a.txt", OTHER)
    assert runner.run("Check", against="texts").returncode == 0


def test_revision_of_the_user_goes_before_the_base(runner: Runner) -> None:
    runner.base_ref = "main"
    runner.run("Prepare", against="texts", changed_since="HEAD")
    assert runner.run("Check", against="texts").returncode == 0
    runner.run("Prepare", against="texts", changed_since="none")
    assert runner.outputs["since"] == ""
    assert runner.run("Check", against="texts/a.txt", new="texts/copy of a.txt\n").returncode == 1


def test_baseline_and_more_arguments_are_passed_on(runner: Runner) -> None:
    runner.run("Prepare", against="texts", changed_since="main")
    accept = {"against": "texts", "baseline": "b.json"}
    assert runner.run("Check", **accept, arguments="--update-baseline").returncode == 0
    assert runner.run("Check", **accept).returncode == 0
    (runner.repository.folder / "texts" / "empty.txt").touch()
    assert runner.run("Check", **accept).returncode == 0
    assert runner.run("Check", **accept, arguments="--strict\n--confirm\nnever\n").returncode == 2


@pytest.mark.parametrize(
    "evil", ["$(touch pwned)", "`touch pwned`", "; touch pwned", "x' || touch pwned '", '"; touch pwned; "', "-opwned"]
)
def test_nothing_that_the_user_says_is_run_or_becomes_an_option(evil: str, runner: Runner) -> None:
    (runner.temporary / "bin" / "dedup").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    names = ("against", "new", "changed_since", "baseline", "format", "output", "arguments")
    said = dict.fromkeys(names, evil)
    runner.run("Prepare", **said, index="true")
    runner.outputs["since"] = evil
    options = [f"--{name}={evil}" for name in ("format", "against", "changed-since", "baseline", "output")]
    assert runner.run("Check", **said).stdout.splitlines() == ["check", *options, evil, "--", evil]
    assert runner.run("Make the index", **said).stdout.splitlines()[-2:] == ["--", evil]
    assert not list(runner.repository.folder.glob("*pwned*"))


def test_index_of_the_base_is_made_once_and_used_by_pull_requests(runner: Runner) -> None:
    known = {"against": "texts/\n", "index": "true"}
    runner.repository.git("switch", "--quiet", "main")
    runner.run("Prepare", **known)
    of_main = dict(runner.outputs)
    assert of_main["since"] == ""
    made = runner.run("Make the index", **known)
    assert (made.returncode, "1 added" in made.stdout) == (0, True), made.stderr
    runner.repository.git("switch", "--quiet", "branch")
    runner.base_ref = "main"
    runner.run("Prepare", **known)
    assert {**runner.outputs, "since": ""} == of_main  # so the cache has it
    done = runner.run("Check", **known)
    assert (done.returncode, "against 1 known" in done.stdout) == (1, False), done.stderr
    assert done.stdout.startswith("::error file=texts/copy of a.txt,")
    runner.repository.git("mv", "texts/a.txt", "texts/moved.txt")
    runner.repository.git("rm", "--quiet", "texts/copy of a.txt")
    assert runner.run("Check", **known).returncode == 0
