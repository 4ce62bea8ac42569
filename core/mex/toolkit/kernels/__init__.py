"""What attacks on kernel machines share: an incremental support vector machine, and rows along its boundary."""
