"""Scenarios, pipeline, artifact store, executors, conformance and command line: knows every other room."""
