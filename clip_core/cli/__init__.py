"""How the command line listens and speaks; what it does is in ``clip_core/__main__.py``."""
