"""What the source may not hold: pickles, code made of text, shells, files of foreseeable names.

ruff's rules ``S`` see most of that, and can be told to be quiet in a line. This looks at every name that is imported or
called, and nothing silences it but a change here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dedup

ROOT = Path(__file__).parents[1]
SOURCES = [*Path(dedup.__file__).parent.rglob("*.py"), *(ROOT / "scripts").glob("*.py")]

MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "joblib",
    "jsonpickle",
    "code",
    "codeop",
    "pty",
}
"""What would run what it reads, or hands a person's text to an interpreter."""

CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "os.startfile",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
    "tempfile.mktemp",
    "torch.load",
    "torch.jit.load",
    "torch.hub.load",
    "pandas.read_pickle",
    "pd.read_pickle",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "numpy.fromregex",
    "runpy.run_path",
    "runpy.run_module",
    "ssl._create_unverified_context",
}
OPTIONS = {
    "shell": (False,),
    "trust_remote_code": (False,),
    "allow_pickle": (False,),
    "weights_only": (True,),
    "verify": (),
}
"""Name of an argument -> what it may be, always spelled out."""

MUST_SAY = {"load": "allow_pickle", "save": "allow_pickle"}
"""What calls of numpy must say, whatever its default is by now."""


def dotted(node: ast.expr) -> str:
    """The name of what is called: ``os.system``."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(source: str) -> Iterator[str]:
    """What of the rules a source breaks."""
    tree = ast.parse(source)
    full = {
        name.asname or name.name: f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"imports {name.name}" for name in node.names if name.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            yield f"imports {node.module}"
        elif isinstance(node, ast.Call):
            yield from _faults_of_call(node, full.get(dotted(node.func), dotted(node.func)))


def _faults_of_call(node: ast.Call, name: str) -> Iterator[str]:
    if name in CALLS:
        yield f"calls {name}"
    said = {keyword.arg: keyword.value for keyword in node.keywords}
    for option, allowed in OPTIONS.items():
        if option in said and getattr(said[option], "value", None) not in allowed:
            yield f"says {option}={ast.unparse(said[option])}"
    module, _, function = name.rpartition(".")
    if module in {"np", "numpy"} and function in MUST_SAY and MUST_SAY[function] not in said:
        yield f"calls {name} without {MUST_SAY[function]}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_source_unpickles_nothing_makes_no_code_and_calls_no_shell(path: Path) -> None:
    assert list(faults(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from marshal import loads",
        "import dill.source",
        "eval('1')",
        "from os import system as say\nsay('ls')",
        "import os\nos.popen('ls')",
        "subprocess.run('ls', shell=True)",
        "subprocess.run('ls', shell=wanted)",
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "np.save(file, array)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "import torch\ntorch.load(file, weights_only=True)",
        "yaml.load(file)",
        "tempfile.mktemp()",
        "requests.get(url, verify=False)",
        "def f():\n    exec(text)",
    ],
)
def test_each_rule_sees_what_it_is_for(source: str) -> None:
    assert list(faults(source))


def test_all_of_the_package_is_looked_at() -> None:
    assert {"sentence_transformer.py", "store.py", "by_daft.py", "chromium.py"} <= {path.name for path in SOURCES}
    assert len(SOURCES) > 150
