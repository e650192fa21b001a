"""The viewer (player or single frames) and the playhead."""
