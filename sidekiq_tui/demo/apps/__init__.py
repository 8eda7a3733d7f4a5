"""The two imaginary applications whose jobs the demo runs: a shop, and an analytics pipeline."""
