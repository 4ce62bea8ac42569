"""One dataset component per record of the manifest."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import ClassVar

import attrs

from mex import Dataset
from mex.params import doc, one_of, optional, text
from mex.toolkit.tabular.csvfile import Reading, read_csv
from mex.toolkit.tabular.datasets import class_name, dataset_of, numbered
from mex_uci.manifest import RECORDS, Record


@attrs.frozen(kw_only=True)
class Bundled:
    """A dataset whose file is shipped in ``data``; its README has the sources, licences and changes.

    Rows with a missing value in a column that is used are left out. Columns of numbers are features,
    all others are one-hot (:func:`mex.toolkit.tabular.datasets.dataset_of`).

    >>> dataset = COMPONENTS["steak-survey"](positive="Rare").load()
    >>> dataset
    Dataset(name='steak-survey', X=<331 x 40>, class_names=('not Rare', 'Rare'))
    >>> int(dataset.y.sum())
    18
    """

    positive: str | None = attrs.field(
        default=None,
        converter=class_name,
        validator=optional(text()),
        metadata=doc("the class to tell from all others; none takes the documented one, or all classes as they are"),
    )

    coding: str = attrs.field(
        default="one-hot",
        validator=one_of("one-hot", "numbered"),
        metadata=doc(
            "a category as a feature for each of its values, or as one whole number, its place in the alphabet, as the"
            " d of the paper's linear models has it (14 of adult)"
        ),
    )

    record: ClassVar[Record]
    source: ClassVar[str]
    licence: ClassVar[str]

    def load(self) -> Dataset:
        """Return the dataset; an unknown positive class is a :class:`mex.UsageError`."""
        r = self.record
        how = Reading(sep=",", decimal=".", missing=("",), drop=r.left_out, categorical=r.categorical, trusted=True)
        with as_file(files("mex_uci").joinpath("data", r.file)) as path:
            table = read_csv(path, how, r.target)
        dataset = dataset_of(
            r.name, table.columns, target=r.target, task="classification", categorical=r.categorical, complete=True
        )
        if self.coding == "numbered":
            dataset = numbered(dataset)
        positive = self.positive or r.positive
        return dataset.one_versus_rest(positive) if positive else dataset


def _component(record: Record) -> type[Bundled]:
    attributes = {"record": record, "source": record.source, "licence": record.licence}
    return type(record.class_name, (Bundled,), {"__module__": __name__, "__doc__": record.about, **attributes})


COMPONENTS = {record.name: _component(record) for record in RECORDS}
# The registry and pickle find a class by its name in this module.
globals().update({component.__name__: component for component in COMPONENTS.values()})
