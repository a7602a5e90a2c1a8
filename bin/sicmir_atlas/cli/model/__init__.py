"""`sicmir-atlas model`: models shown, proven and taken in; a file for each command."""
