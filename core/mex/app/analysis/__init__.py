"""What the records of a run say: seeds put together, tables, and the gate of a CI."""
