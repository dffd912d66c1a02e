"""The hook, with the real pre-commit in a real repository; nothing is installed and nothing fetched."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from .repository import Repository

ROOT = Path(__file__).parents[1]
TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.\n"
OTHER = "Heavy showers are expected over the northern hills tonight, clearing slowly from the west by early morning.\n"


@pytest.fixture
def hooked(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with a text, and with the hook of this project."""
    project = Repository(tmp_path / "project")
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", project.folder)
    revision = project.commit()
    # What "language: python" would install is there already: this very dedup.
    program = tmp_path / "bin" / "dedup"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dedup "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv(
        "PATH", f"{program.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    config = f"""\
repos:
  - repo: {project.folder.as_uri()}
    rev: {revision}
    hooks:
      - id: dedup-check
        language: system
        args: [--against, ., --baseline, accepted.json, --]
"""
    repository.write("accepted.json", '{"version": 1, "pairs": []}\n')
    repository.commit(**{".pre-commit-config.yaml": config, "texts/a.txt": TEXT, "LICENSE": OTHER, "code.py": "1\n"})
    subprocess.run([sys.executable, "-m", "pre_commit", "install"], check=True, capture_output=True)
    return repository


def commit(repository: Repository) -> tuple[int, str]:
    """What a commit of everything ends with, and what it says."""
    repository.git("add", "--all")
    done = subprocess.run(["git", "commit", "--message", "more"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_commit_of_a_copy_is_refused_and_one_of_another_text_is_not(hooked: Repository) -> None:
    hooked.write("texts/copy.txt", TEXT)
    code, said = commit(hooked)
    assert code == 1, said
    assert "exit code: 1" in said
    assert "texts/a.txt" in said
    hooked.write("texts/copy.txt", OTHER)
    code, said = commit(hooked)
    assert code == 0, said
    assert "Passed" in said


def test_commit_of_copies_in_tables_is_refused_with_each_of_them_named(hooked: Repository) -> None:
    names = ["t.jsonl", "u.jsonl.gz", "v.jsonl.zst", "T.CSV", "t.tsv", "u.tsv.gz"]
    for name in names:
        table = json.dumps({"text": TEXT}) if "jsonl" in name else f'text\n"{TEXT}"\n'
        packed = {".gz": gzip.compress(table.encode()), ".zst": zstandard.compress(table.encode())}
        hooked.write(name, packed.get(Path(name).suffix, table))
    code, said = commit(hooked)
    assert code == 1, said
    assert [name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", said)] == [], said
    assert said.count("texts/a.txt") >= len(names)


def test_commit_without_texts_calls_nothing(hooked: Repository) -> None:
    hooked.write("code.py", "2\n")
    hooked.write("LICENSE", TEXT)
    code, said = commit(hooked)
    assert code == 0, said
    assert "no files to check" in said


def test_file_name_is_never_an_option(hooked: Repository) -> None:
    hooked.write("-ooutput.txt", TEXT)
    hooked.write("--help.txt", OTHER)
    hooked.write("with space's.md", "A ferry with ninety passengers ran aground near the harbour; nobody was hurt.\n")
    code, said = commit(hooked)
    assert not (hooked.folder / "output.txt").exists()
    assert code == 1, said
    assert "-ooutput.txt" in said
