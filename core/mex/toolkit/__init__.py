"""What plugins share: numerics, models, samplers and metrics, imported by no file of the contract."""
