"""Code that several regions share: caches, theme, widgets, tables, routes."""
