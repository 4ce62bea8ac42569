"""Bounds on the number of queries that attacks need, and numbers that suffice."""

from __future__ import annotations

import math

from mex.errors import UsageError


def sphere_bits(d: int, eps: float) -> float:
    """Bits that a uniformly random unit vector of R^d takes to within geometric error ``eps``.

    After n binary answers P(error <= eps) <= 2^n cap(eps), where cap(eps) is the share of the sphere
    within distance eps of a point. So n >= sphere_bits(d, eps) + log2 P(success), whatever the attack.

    >>> round(sphere_bits(50, 1e-4), 1)
    655.2
    >>> sphere_bits(1, 0.1), round(sphere_bits(2, 0.1), 3), round(sphere_bits(30, 1e-300))
    (1.0, 4.973, 28905)
    """
    _check(d >= 1, "d", "at least 1", d)
    _check(0 < eps < 2, "eps", "between 0 and 2", eps)
    if d == 1:
        return 1.0  # the two unit vectors are 2 apart
    if eps > math.sqrt(2):  # more than a hemisphere: all but the cap around the opposite point
        return -math.log2(1 - 2 ** -sphere_bits(d, math.sqrt((2 - eps) * (2 + eps))))
    from scipy.special import betainc, betaln, hyp2f1

    a, x = (d - 1) / 2, min(eps**2 * (1 - eps**2 / 4), 1.0)  # cap = I_x(a, 1/2) / 2, x = sin^2 of the angle
    share = float(betainc(a, 0.5, x))
    if share > 1e-300:
        return 1 - math.log2(share)
    # The share underflows, its series in x does not.
    log_x = 2 * math.log(eps) + math.log1p(-(eps**2) / 4)  # x itself may underflow as well
    log_share = a * log_x + math.log1p(-x) / 2 - math.log(a) - betaln(a, 0.5) + math.log(hyp2f1(a + 0.5, 1, a + 1, x))
    return float(1 - log_share / math.log(2))


def capacity(rho: float) -> float:
    """Bits per answer when an answer is flipped with probability ``rho``: 1 - H(rho).

    >>> capacity(0.0), round(capacity(0.1), 3), capacity(0.5)
    (1.0, 0.531, 0.0)
    """
    _check(0 <= rho <= 1, "rho", "between 0 and 1", rho)
    if abs(rho - 0.5) < 1e-5:  # the sum below is all rounding error; the next term of the series is 1e-10 of this one
        return 2 / math.log(2) * (rho - 0.5) ** 2
    return 1.0 + sum(p * math.log2(p) for p in (rho, 1 - rho) if p > 0)


def query_bound(d: int, eps: float, rho: float = 0.0) -> float:
    """Fewest queries, on average, that tell a halfspace of R^d to within ``eps`` under flips of rate ``rho``.

    >>> round(query_bound(50, 1e-4)), round(query_bound(50, 1e-4, 0.1)), round(query_bound(50, 1e-4, 0.4))
    (655, 1234, 22556)
    """
    _check(rho != 0.5, "rho", "other than 1/2, where answers tell nothing", rho)
    return sphere_bits(d, eps) / capacity(rho)


def repeats(q: int, delta: float, rho: float) -> int:
    """How often to ask each of ``q`` queries so that all majorities are right with probability 1 - ``delta``.

    r = 8 / (1 - 2 rho)^2 ln(q / delta), rounded up to an even number (paper, proof of Proposition 1).

    >>> repeats(500, 0.05, 0.1)
    116
    """
    _check(0 <= rho < 0.5, "rho", "at least 0 and below 1/2", rho)
    _check(0 < delta < 1, "delta", "between 0 and 1", delta)
    _check(q >= 1, "q", "at least 1", q)
    return 2 * math.ceil(4 / (1 - 2 * rho) ** 2 * (math.log(q) - math.log(delta)))


def proposition_1(q: int, delta: float, rho: float) -> float:
    """Queries of the attack that repeats a learner of ``q`` queries against flips of rate at most ``rho``.

    q 8 / (1 - 2 rho)^2 ln(q / delta), for a confidence of 1 - 2 ``delta`` (paper, Proposition 1).

    >>> round(proposition_1(500, 0.05, 0.1))
    57565
    """
    repeats(q, delta, rho)  # for its checks
    return q * 8 / (1 - 2 * rho) ** 2 * (math.log(q) - math.log(delta))


def passive_samples(d: int, eps: float, nu: float = 0.0) -> float:
    """Order of the random samples that passive learning takes to an excess error ``eps``: (nu + eps) / eps^2 d.

    ``nu`` is the error of f*, which noisy answers raise, and ``d`` the VC dimension; constants and logarithms are left
    out (paper, Remark 3).

    >>> round(passive_samples(50, 0.01)), round(passive_samples(50, 0.01, nu=0.1))
    (5000, 55000)
    """
    _check(eps > 0, "eps", "above 0", eps)
    return (nu + eps) / eps / eps * d


def active_samples(d: int, eps: float, nu: float, theta: float = 1.0) -> float:
    """Order of the labels that disagreement-based active learning takes: nu^2 / eps^2 d theta (paper, Remark 4).

    ``theta`` is the disagreement coefficient; with ``theta`` = 1 this is the lower bound.

    >>> round(active_samples(50, 0.01, nu=0.1))
    5000
    """
    _check(eps > 0, "eps", "above 0", eps)
    return nu / eps * nu / eps * d * theta


def _check(right: bool, name: str, allowed: str, value: float) -> None:
    if not right:
        raise UsageError(f"{name} must be {allowed}, not {value!r}")
