"""The paper's experiments on any model: each gives a table, a figure and a summary."""
