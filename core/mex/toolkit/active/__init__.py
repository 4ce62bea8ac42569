"""Active learning: samplers, candidates, learners in batches, and importance weighting."""
