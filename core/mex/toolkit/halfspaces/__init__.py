"""What attacks on linear models share: learners of directions, made learners of the rows of an interface."""
