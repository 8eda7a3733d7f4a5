"""Everything that changes a server: what can be done, its plan, its guard, its execution, and what it leaves behind."""
