"""What attacks on kernel machines share: a machine that learns label by label, and points along its boundary."""
