"""What pages share. A part shows a control and returns a plain value; it owns its session keys."""
