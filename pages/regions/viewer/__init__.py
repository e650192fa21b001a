"""The picture or the player, and the playhead."""
