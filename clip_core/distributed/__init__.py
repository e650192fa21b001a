"""Index many videos with several workers: processes of this machine, or actors of a Ray cluster."""
