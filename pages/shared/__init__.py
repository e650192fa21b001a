"""What several regions use: caches, theme, widgets, tables, routes."""
