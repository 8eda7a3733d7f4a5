"""One widget a file; they take plain data in and post messages out."""
