"""The tables, figures and claims of the paper, each a matrix file with what was printed, beside what is measured here.

``experiments/NAME.toml`` is a plan for ``mex matrix`` with one table more, ``[paper]`` (:mod:`.experiment` says what
is in it). :mod:`.running` runs the plan, :mod:`.lines` reads the numbers (:mod:`.measures`) off its records,
:mod:`.pages` prints them. To add an experiment is to add a file.
"""
