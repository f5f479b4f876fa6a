"""For tests, ours and those of plugin authors: fault points, a clock that stands still, files and stores that fail."""
