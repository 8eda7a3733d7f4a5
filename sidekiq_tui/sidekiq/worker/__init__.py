"""A Sidekiq process in Python: runs registered job classes as Ruby's would (protocol 15)."""
