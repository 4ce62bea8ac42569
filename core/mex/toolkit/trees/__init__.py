"""What attacks on trees share: building trees, the search for thresholds, and the exact comparison of two trees."""
