"""HTTP: one module per room. Every request passes through `call`."""
