"""Harnesses that try to break the project for minutes, where the tests try for seconds; see README.md."""
