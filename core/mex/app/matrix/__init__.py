"""How a matrix is run: its plan, its cells, and the workers that run them and survive being killed."""
