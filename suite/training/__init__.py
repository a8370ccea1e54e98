"""Training networks of the catalog: recipes, data, schedule, the loop, checkpoints, the result."""
