"""What attacks on linear models share: learners of directions, on the interface that a model really has."""
