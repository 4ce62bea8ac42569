"""Tables as people have them: CSV and Parquet files, data frames and arrays become schemas and datasets."""
