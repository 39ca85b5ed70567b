"""Makes untrusted text safe to store and show: Markdown, code, escape codes, secrets, look-alike characters."""
