"""The parts of verify.py: one page of the schema each, in plain Python."""
