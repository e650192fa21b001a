"""Write clips and pictures of videos, and proxies that browsers play."""
