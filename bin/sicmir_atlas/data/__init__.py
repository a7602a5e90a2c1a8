"""What code needs at run time: panels, names, lineages, models."""
