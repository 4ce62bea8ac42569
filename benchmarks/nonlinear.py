"""Kernel machines, trees, forests and regressors: queries to an agreement, beside the paper's counts and a peer.

python benchmarks/nonlinear.py                 every part, 3 seeds
python benchmarks/nonlinear.py rbf leaf-ids --seeds 5
"""

from __future__ import annotations

from nonlinear_parts import baselines, boosted, cpu, forests, kernels, labels, one_vs_rest, polynomials, relu, trees
from parts import run

PARTS = {
    name.replace("_", "-"): part
    for module in (kernels, trees, labels, forests, boosted, relu, polynomials, one_vs_rest, baselines, cpu)
    for name, part in module.PARTS.items()
}

if __name__ == "__main__":
    run(__doc__, PARTS, parents=[baselines.OPTIONS, cpu.OPTIONS])
