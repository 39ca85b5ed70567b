"""HTTP: one module a room. `call` is the door that every request passes."""
