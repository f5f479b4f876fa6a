"""For tests, ours and those of plugin authors: fault points and a clock that stands still."""
