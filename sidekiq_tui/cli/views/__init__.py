"""The one-shot views: what each reads, and how its answer prints. Loaded only when one runs."""
