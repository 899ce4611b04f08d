"""Names in pickles: what a pickle wants imported, and what of it no honest checkpoint needs.

Nothing of it is ever imported. That some names are refused all the same is to warn whoever was given such a file.
"""

import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from dataclasses import dataclass

from pantile.domain.errors import CheckpointUnsafe

_HARMLESS_BUILTINS = frozenset(
    {
        "bool",
        "bytearray",
        "bytes",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "object",
        "range",
        "set",
        "slice",
        "str",
        "tuple",
    }
)
_HARMLESS_MODULES = frozenset(
    {
        "__future__",
        "_codecs",
        "abc",
        "argparse",
        "array",
        "collections",
        "copyreg",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "itertools",
        "math",
        "numbers",
        "pathlib",
        "random",
        "re",
        "string",
        "time",
        "typing",
        "uuid",
        "zoneinfo",
    }
)
"""Modules of the standard library whose classes turn up in honest checkpoints; all others are refused."""

_REFUSED_MODULES = frozenset(sys.stdlib_module_names) - _HARMLESS_MODULES | frozenset(
    # Left the standard library since, or never belonged to it.
    {
        "cloudpickle",
        "dill",
        "distutils",
        "imp",
        "joblib",
        "pip",
        "pipes",
        "pkg_resources",
        "popen2",
        "setuptools",
    }
)
_REFUSED_PREFIXES = (
    "numpy.distutils",
    "numpy.f2py",
    "numpy.testing",
    "torch.distributed",
    "torch.hub",
    "torch.jit",
    "torch.package",
    "torch.serialization",
    "torch.utils.collect_env",
    "torch.utils.cpp_extension",
)
_REFUSED_NAMES = frozenset({("torch", "load"), ("numpy", "load"), ("numpy", "fromfile"), ("torch", "from_file")})


@dataclass(frozen=True, slots=True)
class Name:
    """What a pickle wants imported, as it is written there; it is not imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return ascii(f"{self.module}.{self.name}")[1:-1][:80]


def modern_name(module: str, name: str) -> Name:
    """The name as Python 3 has it: pickles up to protocol 2, and so PyTorch's, write `subprocess` as `commands`."""
    module, name = NAME_MAPPING.get((module, name), (module, name))
    return Name(IMPORT_MAPPING.get(module, module), name)


def check_name(name: Name) -> None:
    """Raises `CheckpointUnsafe` for a name that could run code, were it called."""
    root = name.module.partition(".")[0]
    parts = name.name.split(".")
    is_builtin = root == "builtins"
    if (
        (is_builtin and name.name not in _HARMLESS_BUILTINS)
        or (not is_builtin and root in _REFUSED_MODULES)
        or any(name.module == prefix or name.module.startswith(f"{prefix}.") for prefix in _REFUSED_PREFIXES)
        or (name.module, name.name) in _REFUSED_NAMES
        # A dotted name walks from attribute to attribute: torch and "os.system" would be found.
        or (len(parts) > 1 and any(part in _REFUSED_MODULES or part.startswith("__") for part in parts))
    ):
        raise CheckpointUnsafe(f"it asks for {name}")
