"""What a default install does not bring: named where it is missing."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from dedup.errors import InputError


def require(module: str, extra: str, what: str) -> ModuleType:
    """The module, which the extra of that name brings. Raises :class:`InputError` where it is not installed; ``what``
    is what needs it.
    """
    package = module.partition(".")[0]
    if find_spec(package) is None:
        raise InputError(f"{what} needs {package}: pip install 'dedup[{extra}]'")
    return import_module(module)
