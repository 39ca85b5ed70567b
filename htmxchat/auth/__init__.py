"""Who asks: identity, sign-in, cookies."""
