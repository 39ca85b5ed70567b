"""The benchmarks that `scripts/bench` runs, one module each; the other modules are what they share."""
