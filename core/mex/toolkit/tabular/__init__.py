"""Tables as people have them: CSV files, data frames and arrays become schemas and datasets."""
