"""What libraries call the types of columns: from a type to the words that a schema keeps, and back, without loss."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

OBJECT_WITH_NONE = "object with None"
"""A pandas column of Python objects where None, and not NaN, stands for a missing value."""


def pandas_words(dtype: Any) -> str:
    """The words for a pandas dtype: pandas' own where they say it all.

    >>> import pandas as pd
    >>> pandas_words(pd.Int64Dtype()), pandas_words(pd.CategoricalDtype([3, 1], ordered=True))
    ('Int64', 'ordered category of int64')
    """
    import pandas as pd

    if isinstance(dtype, pd.CategoricalDtype):
        inner = "" if dtype.categories is None else f" of {pandas_words(dtype.categories.dtype)}"
        return f"{'ordered ' if dtype.ordered else ''}category{inner}"
    if isinstance(dtype, pd.ArrowDtype):
        return f"arrow {dtype.pyarrow_dtype}"
    if isinstance(dtype, pd.StringDtype):
        return f"{'string' if dtype.na_value is pd.NA else 'str'} in {dtype.storage}"
    return str(dtype)


def pandas_dtype(words: str, levels: tuple[Any, ...] = ()) -> Any:
    """The dtype for :func:`pandas_words`; a category has ``levels``."""
    import pandas as pd

    ordered, is_category, inner = words.partition("category")
    if is_category:
        values = pd.Index(levels, dtype=pandas_dtype(inner.removeprefix(" of "))) if inner else pd.Index(levels)
        return pd.CategoricalDtype(values, ordered=bool(ordered))
    if words.startswith("arrow "):
        return pd.ArrowDtype(arrow_type(words.removeprefix("arrow ")))
    text, is_string, storage = words.partition(" in ")
    if is_string:
        return pd.StringDtype(storage, na_value=pd.NA if text == "string" else np.nan)
    return np.dtype(object) if words == OBJECT_WITH_NONE else pd.api.types.pandas_dtype(words)


def arrow_type(words: str) -> Any:
    """The pyarrow type that is written so.

    >>> arrow_type("dictionary<values=string, indices=int8, ordered=0>")
    DictionaryType(dictionary<values=string, indices=int8, ordered=0>)
    """
    import pyarrow as pa

    dictionary = re.fullmatch(r"dictionary<values=(\w+), indices=(\w+), ordered=([01])>", words)
    if dictionary:
        values, indices, ordered = dictionary.groups()
        return pa.dictionary(arrow_type(indices), arrow_type(values), ordered == "1")
    return pa.type_for_alias(words)


def polars_dtype(words: str, levels: tuple[Any, ...] = ()) -> Any:
    """The polars data type that is written so; an ``Enum`` has ``levels``."""
    import polars as pl

    return pl.Enum(levels) if words == "Enum" else getattr(pl, words)()
