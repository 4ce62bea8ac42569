"""What attacks on trees share: trees made of thresholds, walks that find them, and the exact comparison of trees."""
