"""How values read, for the command line and the terminal alike: safe text, units, glyphs, charts, columns, records."""
