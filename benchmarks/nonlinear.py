"""Kernel machines, trees, forests and regressors: queries to an agreement, beside the paper's counts and a peer.

python benchmarks/nonlinear.py                 every part, 3 seeds
python benchmarks/nonlinear.py rbf leaf_ids --seeds 5
"""

from __future__ import annotations

from nonlinear_parts import forests, kernels, labels, trees
from parts import run

if __name__ == "__main__":
    run(__doc__, {**kernels.PARTS, **trees.PARTS, **labels.PARTS, **forests.PARTS})
