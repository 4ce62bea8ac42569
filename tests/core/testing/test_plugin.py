"""``pytest --mex-checks`` finds the components of the package under test, and checks them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ("pytester",)

PLUGIN = """
    from typing import ClassVar
    import attrs
    import mex
    from mex.params import boolean, doc

    @mex.hookimpl
    def mex_components():
        return [mex.Component("defense", "{name}", "{module}:Open", "shows or hides what it protects")]

    @attrs.frozen(kw_only=True)
    class Open:
        "Cuts probabilities to one digit."
        show: bool = attrs.field(default=True, validator=boolean(), metadata=doc("whether it shows the model"))
        scope: ClassVar[mex.Scope] = mex.Scope()
        paper: ClassVar[str] = "none"

        def protect(self, target, train, rng):
            return Shown(target, target if self.show else None)

    class Shown(mex.Defended):
        def __init__(self, target, model):
            super().__init__(target)
            self.model = model

        def answer(self, X, kind):
            answers = self._target.answer(X, kind)
            return (answers > 0.5).astype(float) if kind == "proba" else answers
"""


@pytest.fixture
def package(
    pytester: pytest.Pytester, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], pytest.Pytester]:
    """A folder with the ``pyproject.toml`` of an installed package that has one defense, which shows its model."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    install("mex-open", {"open": "opened"}, {"opened": PLUGIN.format(name="open", module="opened")})
    install("other", {"other": "other"}, {"other": PLUGIN.format(name="other", module="other")})

    def call(options: str = "") -> pytest.Pytester:
        pytester.makepyprojecttoml(f'[project]\nname = "Mex_Open"\n[tool.pytest.ini_options]\n{options}\n')
        return pytester

    return call


def run(where: pytest.Pytester, *args: str) -> pytest.RunResult:
    return where.runpytest_inprocess("-p", "mex.testing.plugin", "-p", "no:cacheprovider", *args)


def test_each_check_of_each_component_is_a_test_and_its_failure_says_what_to_do(
    package: Callable[..., pytest.Pytester],
) -> None:
    result = run(package(), "--mex-checks")
    result.assert_outcomes(passed=18, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*open: hides-what-it-protects*",
            "It promises: No public attribute is the target behind it, or its estimator.",
            "the attribute model shows what is to be protected: keep it in a name with an underscore",
        ]
    )
    result.stdout.no_fnmatch_line("*other*")


def test_components_are_checked_as_the_configuration_says(package: Callable[..., pytest.Pytester]) -> None:
    told = "mex_checks = ['defense open:show=false untouched=[\"label\"]']"
    result = run(package(told), "--mex-checks", "-k", "hides", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["defense/open:show=false::hides-what-it-protects", "*::hides-the-labels-it-changes"])
    run(package(told), "--mex-checks", "-k", "hides").assert_outcomes(passed=2, deselected=17)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("defense", "*mex_checks: 'defense' is not of the form 'KIND NAME option=value'*"),
        ("defense open loud=true", "*the checks of a defense: *loud*"),
        ("defense open:sow=true", "*defense 'open' has no parameter 'sow'; did you mean 'show'?"),
        ("defense open nests=yes", "*'defense open nests=yes': options are written as in TOML*"),
    ],
)
def test_a_wrong_line_of_the_configuration_is_said(
    package: Callable[..., pytest.Pytester], told: str, said: str
) -> None:
    result = run(package(f"mex_checks = ['{told}']"), "--mex-checks")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --mex-checks: {said}"])


def test_a_package_that_has_no_component_is_told_so(package: Callable[..., pytest.Pytester]) -> None:
    where = package()
    where.makepyprojecttoml('[project]\nname = "stranger"\n')
    result = run(where, "--mex-checks")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no component of stranger is installed: give it an entry point in the group mex*"])


def test_without_the_flag_nothing_is_checked(package: Callable[..., pytest.Pytester]) -> None:
    assert run(package()).ret == pytest.ExitCode.NO_TESTS_COLLECTED
