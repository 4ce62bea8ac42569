"""The small real datasets that scikit-learn ships."""

from __future__ import annotations

import mex

_DATASETS = {
    "breast-cancer": ("BreastCancer", "breast masses: benign or malignant; 569 x 30"),
    "wine": ("Wine", "chemical analyses of wines of three cultivars; 178 x 13"),
    "digits": ("Digits", "handwritten digits of 8 by 8 pixels; 1797 x 64"),
    "iris": ("Iris", "sepals and petals of three species of iris; 150 x 4"),
    "diabetes": ("Diabetes", "progression of diabetes within a year, a regression; 442 x 10"),
}


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the datasets."""
    return [
        mex.Component("dataset", name, f"mex_sklearn_datasets.dataset:{class_name}", summary)
        for name, (class_name, summary) in _DATASETS.items()
    ]
