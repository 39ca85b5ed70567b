"""HTTP: paths and headers, static files, streams, and the middleware around them."""
