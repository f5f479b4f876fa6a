"""Measures what mvengine promises: ``python -m bench``. One case a file; ratios are taken within one run."""
