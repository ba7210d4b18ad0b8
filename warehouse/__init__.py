"""The warehouse: where facts come from, how they are declared, checked, kept and turned into answers."""

__version__ = "0.1.0"
