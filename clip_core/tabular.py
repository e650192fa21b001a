"""Values that can be read as a table, in Arrow or pandas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clip_core.text import unicode_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Tabular(ABC):
    """Adds ``to_arrow`` and ``to_pandas`` to a value whose ``columns`` say what is in the table."""

    __slots__ = ()

    @abstractmethod
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Return name → values, each (n,). Texts have the dtype object; NaN is a missing number."""

    def to_arrow(self) -> pa.Table:
        """Return the columns as a table of pyarrow; missing numbers are null."""
        import pyarrow as pa

        return pa.table(
            {
                name: pa.array(map(unicode_text, values), pa.string())
                if values.dtype == object
                else pa.array(values, from_pandas=True)
                for name, values in self.columns().items()
            }
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return the columns as a table of pandas; missing numbers are NaN."""
        return self.to_arrow().to_pandas()


def texts(values: Collection[str]) -> NDArray[np.object_]:
    """Return a column of texts."""
    column = np.empty(len(values), object)
    column[:] = list(values)
    return column


def untaken(name: str, taken: Collection[str]) -> str:
    """Return ``name``, or if it is taken with the first free number, from " (2)" on."""
    numbered = (f"{name} ({number})" for number in count(2))
    return next(free for free in chain([name], numbered) if free not in taken)
