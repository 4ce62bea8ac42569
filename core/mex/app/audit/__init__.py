"""The whole question for one model: which attacks and defenses to try, what they came to, and what to do.

An audit is a plan that is chosen (:mod:`.choosing`, :mod:`.stages`), run as ordinary matrices (:mod:`.running`), judged
(:mod:`.thieves`, :mod:`.defending`) and written down as one document (:mod:`.document`) that every page shows.
"""
