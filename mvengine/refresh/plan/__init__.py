"""The plan of a refresh as values: its tasks, what a stored checkpoint is worth, when to try again. Nothing acts here."""
