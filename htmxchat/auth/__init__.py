"""The user of a request: identity, sign-in, cookies."""
