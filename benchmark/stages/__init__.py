"""Stages: pure functions from a configuration and inputs to an artifact."""
