"""Exit codes; the first that applies, as `reconcile --help` lists them."""

EXIT_ERROR = 1
"""Also: after one pass something declared is failed, blocked or unknown."""
EXIT_CHANGES = 2
EXIT_REFUSED = 3
EXIT_USAGE = 64
"""sysexits.h, EX_USAGE."""
EXIT_INTERRUPTED = 130
"""As a shell gives it: 128 and SIGINT."""
