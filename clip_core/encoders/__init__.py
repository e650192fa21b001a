"""Images and texts → unit vectors of one space."""
