"""A query over the whole store → moments of all videos."""
