"""Index a video: decode ahead, embed, commit; thumbnails."""
