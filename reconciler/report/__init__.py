"""Status and plans as text, JSON and markdown; only renders what it is given."""
