"""What a default install does not bring: named where it is missing."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from dedup.errors import InputError


def check_installed(package: str, extra: str, what: str) -> None:
    """Raises :class:`InputError` where the package, which the extra of that name brings, is not installed; ``what`` is
    what needs it.
    """
    if find_spec(package) is None:
        raise InputError(f"{what} needs {package}: pip install 'dedup[{extra}]'")


def require(module: str, extra: str, what: str) -> ModuleType:
    """The module. Raises :class:`InputError` where its package is not installed, as :func:`check_installed`."""
    check_installed(module.partition(".")[0], extra, what)
    return import_module(module)
