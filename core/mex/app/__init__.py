"""What users run: the Python interface, the matrix, its analysis, the report and the command line."""
