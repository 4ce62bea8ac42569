"""What a shell may put in for the last word of a command line, without importing what components import."""
