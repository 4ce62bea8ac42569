"""What defenses share: random draws, label noise, margins, and changes of probabilities and values."""
