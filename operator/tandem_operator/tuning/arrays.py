"""numpy, read in when an array is first made.

It is an eighth of the memory of an operator, and one whose resources have no ready pod makes none.
Used as `from tandem_operator.tuning import arrays as np`, in place of numpy itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from numpy import *  # noqa: F403

Floats: TypeAlias = "npt.NDArray[np.float64]"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)  # an import asks whether this is a package
    import numpy as np

    value = globals()[name] = getattr(np, name)
    return value
