"""Raw counts to log-normalised landmarks of the cells that pass, with labels and reasons."""
