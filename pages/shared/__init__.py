"""Code that several regions share: caches, session state, theme, widgets, tables."""
