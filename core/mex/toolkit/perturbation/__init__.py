"""What defenses share: noise on labels by chance or by margin, on confidences and values, and its random numbers."""
