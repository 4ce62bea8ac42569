"""What is known about each dataset in ``data``: how it is read, where it is from, what it looks like."""

from __future__ import annotations

import attrs

UCI = "UCI Machine Learning Repository, doi:10.24432/"


@attrs.frozen(kw_only=True)
class Record:
    """One dataset.

    Attributes:
        name: the component's name; the file is the same with ``_`` for ``-``.
        about: what is predicted, in a few words.
        source: where the data are from.
        shape: rows and features once encoded.
        target: the column to predict.
        positive: the class with index 1; none leaves the classes as they are, sorted.
        left_out: columns that are not features.
        categorical: columns of numbers that are codes of categories, according to the documentation.
        licence: of the data.
    """

    name: str
    about: str
    source: str
    shape: tuple[int, int]
    target: str = "class"
    positive: str | None = None
    left_out: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    licence: str = "CC BY 4.0"

    @property
    def file(self) -> str:
        """The name of the file in ``data``."""
        return self.name.replace("-", "_") + ".csv.gz"

    @property
    def class_name(self) -> str:
        """The name of the component's class in :mod:`mex_uci.dataset`."""
        return self.name.title().replace("-", "")

    @property
    def summary(self) -> str:
        """What ``mex list-plugins`` says."""
        return f"{self.about}; {self.shape[0]} x {self.shape[1]}"


RECORDS = (
    Record(
        name="adult",
        about="census: is the income above 50,000 dollars",
        source=UCI + "C5XW20",
        shape=(45222, 104),
        target="income",
        positive=">50K",
    ),
    Record(
        name="australian",
        about="credit card applications, the same as credit-approval in another coding: approved",
        source=UCI + "C59012",
        shape=(690, 38),
        positive="1",
        categorical=("A4", "A5", "A6", "A12"),
    ),
    Record(
        name="bank",
        about="telephone marketing: will the client subscribe a term deposit",
        source=UCI + "C5K306",
        shape=(4521, 50),
        target="y",
        positive="yes",
        left_out=("duration",),  # of the call whose outcome is asked for: no client of the model could know it
    ),
    Record(
        name="blood-transfusion",
        about="did the donor give blood again in March 2007",
        source=UCI + "C5GS39",
        shape=(748, 4),
        positive="1",
    ),
    Record(
        name="breast-cancer-ljubljana",
        about="did the breast cancer recur",
        source=UCI + "C51P4M",
        shape=(277, 39),
        positive="recurrence-events",
    ),
    Record(
        name="breast-cancer-wisconsin",
        about="cytology of breast masses: malignant (4) or benign (2)",
        source=UCI + "C5HP4Z",
        shape=(683, 9),
        positive="4",
        left_out=("sample_code_number",),  # an identifier
    ),
    Record(
        name="bupa",
        about="blood tests and drinks: the column selector, a label in much of the literature",
        source=UCI + "C54G67",
        shape=(345, 6),
        target="selector",
        positive="2",
    ),
    Record(
        name="credit-approval",
        about="credit card applications, all names made meaningless: approved",
        source=UCI + "C5FS30",
        shape=(653, 46),
        positive="+",
    ),
    Record(
        name="german-credit",
        about="bank credits: bad risk (2) or good (1)",
        source=UCI + "C5NC77",
        shape=(1000, 61),
        positive="2",
    ),
    Record(
        name="gss-happiness",
        about="General Social Survey: how happy, of three levels",
        source="General Social Surveys 1972-2006, NORC at the University of Chicago, as used by Tramèr et al. 2016",
        shape=(16127, 101),
        target="Happiness level",
        left_out=("year", "id"),  # of the interview
        licence="not stated; public-use data",
    ),
    Record(
        name="haberman",
        about="breast cancer surgery: died within five years (2) or survived (1)",
        source=UCI + "C5XK51",
        shape=(306, 3),
        positive="2",
    ),
    Record(
        name="heart",
        about="heart disease present or absent",
        source=UCI + "C57303",
        shape=(270, 20),
        positive="present",
        categorical=("chest_pain_type", "resting_ecg", "thal"),  # slope_st is documented as ordered
    ),
    Record(
        name="ionosphere",
        about="radar returns from the ionosphere: good or bad",
        source=UCI + "C5W01B",
        shape=(351, 34),
        positive="g",
    ),
    Record(
        name="mammographic",
        about="mammographic masses: malignant (1) or benign (0)",
        source=UCI + "C53K6Z",
        shape=(831, 11),
        target="severity",
        positive="1",
        left_out=("bi_rads",),  # the physician's own verdict, documented as not predictive
        categorical=("shape", "margin"),
    ),
    Record(
        name="mushroom",
        about="mushrooms: poisonous (p) or edible (e)",
        source=UCI + "C5959T",
        shape=(8124, 112),
        positive="p",
        left_out=("stalk-root",),  # missing in 2480 rows; without it the features are those of Tramèr et al. 2016
    ),
    Record(
        name="pima-diabetes",
        about="onset of diabetes within five years",
        source="National Institute of Diabetes and Digestive and Kidney Diseases; Smith et al. 1988",
        shape=(768, 8),
        positive="1",
        licence="not stated",
    ),
    Record(
        name="spambase",
        about="e-mails: spam or not",
        source=UCI + "C53G6X",
        shape=(4601, 57),
        positive="1",
    ),
    Record(
        name="steak-survey",
        about="how Americans like their steak, of five ways",
        source="FiveThirtyEight, W. Hickey 2014, How Americans Like Their Steak",
        shape=(331, 40),
        target="How do you like your steak prepared?",
        left_out=("RespondentID",),
    ),
    Record(
        name="tic-tac-toe",
        about="final boards of tic-tac-toe: has x won",
        source=UCI + "C5688J",
        shape=(958, 27),
        positive="positive",
    ),
    Record(
        name="vote",
        about="votes of the US House of 1984: republican or democrat",
        source=UCI + "C5C01P",
        shape=(232, 32),
        positive="republican",
    ),
)
