"""An atlas on a web server, read by parts."""
