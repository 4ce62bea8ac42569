"""The site: ``sphinx-build -W --keep-going -n docs site`` builds it and checks every link, warnings are errors."""

from __future__ import annotations

import sys
from pathlib import Path

import mex

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "mex"
author = "the mex authors"
copyright = "the mex authors, Apache-2.0"
version = release = mex.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sitegen",  # in _ext/: pages from the code, formulas without scripts, the check of links
]
exclude_patterns = ["_ext", "plugins/code"]
templates_path: list[str] = []

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # a signature with its types is longer than what it says
autodoc_default_options = {"members": True, "exclude-members": "set_fit_request,set_predict_request,set_score_request"}
python_use_unqualified_type_names = True
add_module_names = False
smartquotes = False  # quotes in text are often those of a command
toc_object_entries = False  # the navigation of each page would hold every function: half the time of a build
nitpick_ignore_regex = [
    # Types of other libraries: their documentation is elsewhere, and the site asks no network.
    (r"py:.*", r"(argparse|attrs|collections|np|npt|numpy|pluggy|sklearn|starlette|pathlib|typing)\..*"),
    (r"py:.*", r"(ABC|Any|Exception|Generic|Iterator|Path|Protocol|T|ValueError|OSError|TypedDict)"),
]

html_theme = "furo"
html_title = "mex"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it is fetched from each page, which no browser allows for file://
html_math_renderer = "mathml"
pygments_style = "default"
pygments_dark_style = "github-dark"
