"""`sicmir-atlas catalogue`: samplesheets of many public datasets; a file for each command."""
