"""The paper's analysis of what was run, as one page with figures, tables and verdicts."""
