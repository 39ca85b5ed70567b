"""Text of others, made fit to keep and to show: Markdown, code, escape codes, secrets, look-alike characters."""
