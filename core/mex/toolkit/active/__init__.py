"""Active learning: where candidate rows come from, and how batches of them are chosen."""
