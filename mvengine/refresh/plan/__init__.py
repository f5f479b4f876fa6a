"""The plan of a refresh as values: tasks, checkpoints, when to try again. Nothing here acts."""
