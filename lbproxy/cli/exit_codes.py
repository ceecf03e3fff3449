"""Exit codes of every command: success, a command that failed, a mistake in what the user wrote, Ctrl-C."""

SUCCESS, FAILURE, MISTAKE, INTERRUPTED = 0, 1, 2, 130
