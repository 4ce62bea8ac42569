"""A Bayesian learner of linear models from labels, which asks rows of the interface as they are."""
