"""Index a video: decode ahead, embed, commit, and draw thumbnails."""
