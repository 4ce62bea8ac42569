"""The tables of :mod:`halfspace_parts.discrete`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from halfspace_parts.discrete import (
    CPU,
    CUT,
    DIGITS,
    DISCRETE,
    FIRST_SEED,
    FLIPPED,
    MARGIN,
    MIXED,
    NOISY_MARGIN,
    TEST_ROWS,
    at,
    bits,
    measured,
    median,
    reached,
    weights,
)

import mex
from mex.toolkit.bounds import query_bound

LEVELS = (0.99, 0.999)


def mixed(targets: int) -> None:
    """Real and discrete features together: queries over the bound at the attack's own end, checks included."""
    seeds = range(FIRST_SEED, FIRST_SEED + min(targets, 3))
    for name in MIXED:
        d = weights(name, FIRST_SEED)
        for eps in (1e-2, 1e-4):
            runs = [measured(name, f"bayes-point:eps={eps:g}", seed, 4000) for seed in seeds]
            ratios = [r["queries"] / query_bound(d, eps) for r in runs]
            without = np.mean([(r["queries"] - r["checks"]) / query_bound(d, eps) for r in runs])
            errors = ", ".join(f"{r['error'] / eps:.2f}" for r in runs)
            print(
                f"{name:26} d={d:<3} eps={eps:<6g} ratio {np.mean(ratios):.3f} (largest {max(ratios):.3f}, without the "
                f"check {without:.3f})  errors / eps {errors}  {np.mean([r['ms'] for r in runs]):.1f} ms a query",
                flush=True,
            )


def discrete(targets: int) -> None:
    """Discrete features alone: queries to 0.99 and 0.999 of uniform rows beside margin at its best C, and the end."""
    _discrete(targets, DISCRETE)


def digits(targets: int) -> None:
    """The same of ten classes of 64 whole numbers, which take longest."""
    _discrete(targets, DIGITS)


def _discrete(targets: int, tasks: dict[str, int]) -> None:
    seeds = range(FIRST_SEED, FIRST_SEED + min(targets, 3))
    for name, budget in tasks.items():
        d = weights(name, FIRST_SEED)
        ours = [measured(name, "bayes-point", seed, budget) for seed in seeds]
        theirs = [[measured(name, attack, seed, budget) for seed in seeds] for attack in MARGIN]
        said = []
        for level in LEVELS:
            best = min(median(reached(r, level) for r in runs) for runs in theirs)
            own = median(reached(r, level) for r in ours)
            said.append(f"{level}: {own:.0f}, margin {best:.0f} = {best / own:.2f} x, bits {bits(d, level):.0f}")
        ends = "; ".join(
            f"{r['queries']}{' done' if r['done'] else ''}{' proved' if 'every row' in r['note'] else ''}"
            f" {' / '.join(str(round(w * TEST_ROWS)) for w in r['wrong'])} wrong"
            for r in ours
        )
        print(f"{name:34} d={d:<4} {'  '.join(said)}  ends {ends}  {np.mean([r['ms'] for r in ours]):.1f} ms a query")
        cut = [(at(r, 2 * d), r["majority"][0], max(at(m[i], 2 * d) for m in theirs)) for i, r in enumerate(ours)]
        print(
            f"    cut at 2 d = {2 * d}: "
            + "; ".join(f"{own:.3f}, commonest {common:.3f}, margin {other:.3f}" for own, common, other in cut),
            flush=True,
        )


def flipped(targets: int) -> None:
    """A tenth of the labels wrong, told and not told; and none wrong, not told: queries to 0.99 and 0.999."""
    seeds = range(FIRST_SEED, FIRST_SEED + min(targets, 3))
    for name, budget in FLIPPED.items():
        d = weights(name, FIRST_SEED)
        for rho, told in ((0.1, True), (0.1, False), (0.0, True), (0.0, False)):
            runs = [measured(name, "bayes-point", seed, budget, rho, told) for seed in seeds]
            said = []
            for level in LEVELS:
                own = median(reached(r, level) for r in runs)
                said.append(f"{level}: {own:.0f} = {own / bits(d, level, rho):.2f} x bits")
            if rho and told:
                theirs = [[measured(name, attack, s, budget, rho) for s in seeds] for attack in NOISY_MARGIN]
                best = [min(median(reached(r, level) for r in m) for m in theirs) for level in LEVELS]
                said.append(f"margin {best[0]:.0f} / {best[1]:.0f}")
            milliseconds = np.mean([r["ms"] for r in runs])
            ends = "; ".join(
                f"{r['queries']}{' done' if r['done'] else ''}, {r['wrong'][0] * TEST_ROWS:.0f} wrong, said {_said(r)}"
                for r in runs
            )
            print(
                f"{name:22} rho={rho:<4g}{'told' if told else 'not told':9}{'  '.join(said)}  ends {ends}  "
                f"{milliseconds:.1f} ms",
                flush=True,
            )


def cpu(targets: int) -> None:
    """CPU of the learner a query without linear programs at the end: at most 4 ms were asked up to 100 weights."""
    seeds = range(FIRST_SEED, FIRST_SEED + min(targets, 3))
    for name, budget in CPU.items():
        runs = [measured(name, "bayes-point:certify=false", seed, budget) for seed in seeds]
        each = ", ".join(f"{r['ms']:.1f}" for r in runs)
        ends = ", ".join(
            f"{r['queries']}{' done' if r['done'] else ''} {r['wrong'][0] * TEST_ROWS:.0f} wrong" for r in runs
        )
        print(f"{name:34} d={weights(name, FIRST_SEED):<4} ms a query {each}  ends {ends}", flush=True)


def _said(run: dict[str, Any]) -> str:
    """How many of the uniform rows a run says may be wrong."""
    found = re.search(r"about (\S+) of all rows", run["note"])
    return f"{float(found[1]) * TEST_ROWS:.0f}" if found else "nothing"


def cut_short(targets: int) -> None:
    """`pivot` cut at two queries for each weight, beside the best of `margin` on the pool and on uniform rows."""
    ahead = [0, 0]
    seeds = range(FIRST_SEED, FIRST_SEED + min(targets, 3))
    for name in CUT:
        d = weights(name, FIRST_SEED)
        for seed in seeds:
            own, *theirs = (measured(name, a, seed, 2 * d) for a in ("pivot", "margin:batch=10", *MARGIN))
            found = [1 - w for w in own["wrong"]]
            best = [1 - min(r["wrong"][i] for r in theirs) for i in range(2)]
            ahead = [n + (f >= b) for n, f, b in zip(ahead, found, best, strict=True)]
            own_said, best_said, common = (
                " / ".join(f"{share:.3f}" for share in shares) for shares in (found, best, own["majority"])
            )
            print(
                f"{name:26} at {2 * d:<4} uniform / near: pivot {own_said}  margin {best_said}  commonest {common}",
                flush=True,
            )
    runs = len(CUT) * len(seeds)
    print(f"not behind the best of {1 + len(MARGIN)} on these rows: {ahead[0]} and {ahead[1]} of {runs}", flush=True)


def one_sided(targets: int) -> None:
    """Features from 0 upwards, boundaries at 0.1 to 1,000 units: agreement on rows of that scale, and ratio."""
    right = []
    for seed in range(FIRST_SEED, FIRST_SEED + 12):
        rng = np.random.default_rng([seed, 1])
        d, scale = int(rng.integers(3, 12)), 10.0 ** rng.integers(-1, 4)
        domain = mex.Domain(np.zeros(d), np.full(d, np.inf))
        w = rng.standard_normal(d) / scale
        model = mex.halfspace(w, -float(w @ (scale * np.abs(rng.standard_normal(d)))))
        X = scale * np.abs(rng.standard_normal((TEST_ROWS, d)))
        stolen = mex.attack("bayes-point", model, domain=domain, family=mex.Family("linear"), budget=1500, seed=seed)
        agreement = float(np.mean(stolen.hypothesis.predict(X) == model.predict(X)))
        right.append(agreement)
        ratio = stolen.queries / query_bound(d + 1, 1e-4)
        print(f"d={d:<3} scale {scale:<6g} queries {stolen.queries:<4} ratio {ratio:.2f}  agreement {agreement:.5f}")
    print(f"{sum(a >= 0.999 for a in right)} of {len(right)} at 0.999 or more", flush=True)
