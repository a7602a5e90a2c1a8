"""The command `sicmir-atlas`, one file per subcommand; nothing else imports it."""
