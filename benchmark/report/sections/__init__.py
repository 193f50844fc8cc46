"""The sections of the report, in the paper's order."""
