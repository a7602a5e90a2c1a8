"""`sicmir-atlas study`: the paper's experiments on any model; a file for each command."""
